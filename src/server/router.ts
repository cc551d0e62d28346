import type { IncomingMessage } from 'node:http'
import type { Answer } from './answer.ts'
import { Problem } from './problem.ts'
import type { Role } from './security/users.ts'
import type { Visitor } from './security/visitor.ts'

/** A request whose asker is known and may ask. */
export interface Asked {
  readonly request: IncomingMessage
  /** Undefined where anybody may ask. */
  readonly visitor: Visitor | undefined
  /** What stands in the place of the braces of the path. */
  readonly params: { readonly [name: string]: string }
  readonly query: { readonly [name: string]: string }
  /** What a POST brought. */
  readonly body: Buffer
}

export interface Endpoint {
  readonly method: 'GET' | 'POST'
  /** `/letters/{id}`: braces take one segment, a last `*` any rest. */
  readonly path: string
  /** The role that it needs; anybody may ask when absent. */
  readonly role?: Role
  /** What a POST brings. */
  readonly brings?: 'json' | 'form'
  answer(asked: Asked): Answer | Promise<Answer>
}

export interface Found {
  readonly endpoint: Endpoint
  readonly params: { readonly [name: string]: string }
}

/** Finds what answers a request. */
export class Router {
  readonly endpoints: readonly Endpoint[]
  readonly #patterns: readonly { readonly endpoint: Endpoint; readonly parts: readonly string[] }[]

  constructor(endpoints: readonly Endpoint[]) {
    this.endpoints = endpoints
    this.#patterns = endpoints.map((endpoint) => ({ endpoint, parts: endpoint.path.split('/') }))
  }

  /** @throws Problem 400, 404 or 405 */
  find(method: string, path: string): Found {
    const parts = path.split('/')
    const found = this.#patterns.flatMap(({ endpoint, parts: pattern }) => {
      const params = matched(pattern, parts)
      return params ? [{ endpoint, params }] : []
    })
    if (found.length === 0) throw new Problem(404, `There is no ${path} here.`)
    const wanted = method === 'HEAD' ? 'GET' : method
    const fitting = found.find(({ endpoint }) => endpoint.method === wanted)
    if (fitting) return fitting
    const methods = found.flatMap(({ endpoint }) => (endpoint.method === 'GET' ? ['GET', 'HEAD'] : ['POST']))
    const allow = [...new Set(methods)]
    throw new Problem(405, `${path} answers to ${allow.join(' and ')} only.`, { allow: allow.join(', ') })
  }
}

function matched(pattern: readonly string[], parts: readonly string[]): Found['params'] | undefined {
  const open = pattern.at(-1) === '*'
  if (open ? parts.length < pattern.length : parts.length !== pattern.length) return undefined
  const params: { [name: string]: string } = {}
  for (const [at, expected] of pattern.entries()) {
    if (open && at === pattern.length - 1) break
    const name = /^\{(\w+)\}$/.exec(expected)?.[1]
    if (name !== undefined && parts[at] !== '') params[name] = decoded(parts[at]!)
    else if (expected !== parts[at]) return undefined
  }
  return params
}

/** @throws Problem 400 for what is no UTF-8 */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (thrown) {
    if (thrown instanceof URIError) throw new Problem(400, 'The address has %-escapes that are not UTF-8.')
    throw thrown
  }
}

/** The names and values of `a=1&b=2`. @throws Problem 400 for names that come twice, and for what is no UTF-8 */
export function pairsIn(text: string): { readonly [name: string]: string } {
  const pairs = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const [name, value] = /^([^=]*)=?(.*)$/s
      .exec(pair)!
      .slice(1)
      .map((each) => decoded(each.replaceAll('+', ' ')))
    if (pairs.has(name!)) throw new Problem(400, `"${name}" is said twice.`)
    pairs.set(name!, value!)
  }
  return Object.fromEntries(pairs)
}
