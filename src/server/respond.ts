import type { IncomingMessage } from 'node:http'
import type { Log } from '../component/context.ts'
import { seeOther, text, type Answer } from './answer.ts'
import { wantsHtml } from './accept.ts'
import { isForUs } from './host.ts'
import { errorPage } from './pages/errorPage.ts'
import { Problem, problemAsJson } from './problem.ts'
import { bodyOf, longestAddress } from './receive.ts'
import { pairsIn, type Asked, type Endpoint, type Router } from './router.ts'
import { isSameOrigin } from './security/sameOrigin.ts'
import { isSame, may } from './security/users.ts'
import type { Doorkeeper, Visitor } from './security/visitor.ts'
import type { Streams } from './streams.ts'

export interface Responding {
  readonly router: Router
  readonly doorkeeper: Doorkeeper
  /** The address that is listened to, where everybody on this machine may do everything; undefined where tokens are wanted. */
  readonly openAt?: string
  readonly streams: Streams
  readonly log: Log
}

/** The header in which a program sends the form token of its session. */
const formTokenHeader = 'x-oxbow-form-token'

/** Answers a request, or says why not. */
export async function respond(request: IncomingMessage, parts: Responding): Promise<Answer> {
  const path = (request.url ?? '/').split('?', 1)[0]!
  try {
    return await answer(request, path, parts)
  } catch (error) {
    if (error instanceof Problem) return refusal(request, path, error)
    const message = error instanceof Error ? error.message : String(error)
    parts.log.warn({ path, error }, `${path} could not be answered: ${message}`)
    return refusal(request, path, new Problem(500, `${path} could not be answered; the log says why.`))
  }
}

async function answer(request: IncomingMessage, path: string, parts: Responding): Promise<Answer> {
  const { router, doorkeeper, openAt } = parts
  const { url = '/', method = 'GET' } = request
  if (openAt !== undefined && !isForUs(request, openAt)) throw new Problem(421, wrongHost)
  if (url.length > longestAddress) throw new Problem(414, `An address may have ${longestAddress} characters at most.`)
  const { endpoint, params } = router.find(method, path)
  const visitor = endpoint.role === undefined && !endpoint.brings ? undefined : doorkeeper(request)
  checkRole(visitor, endpoint)
  const query = pairsIn(url.slice(path.length + 1))
  const body = endpoint.brings ? await bodyToChange(request, endpoint.brings, visitor) : Buffer.alloc(0)
  return parts.streams.counted(await endpoint.answer({ request, visitor, params, query, body } satisfies Asked))
}

const wrongHost =
  'This is for who asks for localhost or 127.0.0.1 by that name; --host names another address to listen on.'

/** @throws Problem 401 or 403 */
function checkRole(visitor: Visitor | undefined, { role }: Endpoint): void {
  if (role === undefined) return
  if (!visitor)
    throw new Problem(401, 'Say who you are: log in, or send a token as `Authorization: Bearer`.', {
      'www-authenticate': 'Bearer',
    })
  if (!may(visitor.user, role))
    throw new Problem(403, `This needs the role ${role}; ${visitor.user.name} has ${visitor.user.role}.`)
}

/** What a request brings that may change something: it must come from a page of this server, or from a program. */
async function bodyToChange(
  request: IncomingMessage,
  brings: 'json' | 'form',
  visitor: Visitor | undefined,
): Promise<Buffer> {
  if (!isSameOrigin(request)) throw new Problem(403, 'A page of another site asked for this.')
  const body = await bodyOf(request, brings)
  const token = brings === 'form' ? pairsIn(body.toString())['form-token'] : request.headers[formTokenHeader]
  const isNeeded = visitor !== undefined && (brings === 'form' || visitor.byCookie)
  if (isNeeded && !(typeof token === 'string' && visitor.formToken !== undefined && isSame(token, visitor.formToken)))
    throw new Problem(
      403,
      `The token of the form is missing or old: load the page again (programs: the header ${formTokenHeader}).`,
    )
  return body
}

function refusal(request: IncomingMessage, path: string, problem: Problem): Answer {
  const { status, message, headers } = problem
  if (path.startsWith('/api/')) return problemAsJson(problem)
  if (!wantsHtml(request)) return { ...text(status, `${message}\n`), headers }
  if (status === 401 && request.method === 'GET') return seeOther(`/login?to=${encodeURIComponent(request.url ?? '/')}`)
  return { ...errorPage(problem), headers }
}
