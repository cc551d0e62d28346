import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar, visit, type Document, type Node } from 'yaml'
import type { z } from 'zod'
import type { Catalog } from '../component/catalog.ts'
import { configSchema, type Config } from './config.ts'
import { describeIssue, expectation } from './issue.ts'

/** One mistake in a config. */
export interface Problem {
  readonly file: string
  /** From 1 on. */
  readonly line: number
  readonly column: number
  readonly message: string
}

/** A config as it was read, with what is needed to speak of places in it. */
export interface ConfigFile {
  readonly file: string
  /** Where relative paths in it start from. */
  readonly directory: string
  /** Hash of its text: environment values are not part of it. */
  readonly revision: string
  /** Values from the environment, which must never be shown. */
  readonly secrets: readonly string[]
  readonly config: Config
  /** The document as plain data, its variables filled in. */
  readonly plain: unknown
  /** @returns the problem of the place at a path such as ['streams', 'articles', 'from'] */
  problem(path: readonly PropertyKey[], message: string): Problem
}

/** Every mistake in a config, all of them at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
    super(sorted.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join('\n'))
    this.problems = sorted
  }
}

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<{ [name: string]: string | undefined }>

/** Reads a config file. @throws ConfigError with every mistake in it */
export function readConfig(file: string, catalog: Catalog, environment: Environment): ConfigFile {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (cause) {
    throw new ConfigError([{ file, line: 1, column: 1, message: unreadable(cause as NodeJS.ErrnoException) }])
  }
  return parseConfig(text, file, catalog, environment)
}

/** Reads a config from its text. @throws ConfigError with every mistake in it */
export function parseConfig(text: string, file: string, catalog: Catalog, environment: Environment): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: 'error' })
  const at = (offset: number, message: string): Problem => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col), message }
  }
  if (document.errors.length > 0) {
    throw new ConfigError(notYaml(document.errors, text).map(({ pos, message }) => at(pos[0], message)))
  }
  const secrets: string[] = []
  const missing = substitute(document, environment, secrets).map(({ offset, message }) => at(offset, message))
  const plain = toPlain(document, at)
  const problem = (path: readonly PropertyKey[], message: string) => at(offsetOf(document, path), message)
  const parsed = configSchema(catalog).safeParse(plain ?? {}, { error: expectation })
  const wrong = parsed.error ? issuesOf(parsed.error, plain, problem) : []
  const unset = new Set(missing.map(({ line, column }) => `${line}:${column}`))
  const problems = [...missing, ...wrong.filter(({ line, column }) => !unset.has(`${line}:${column}`))]
  if (problems.length > 0 || parsed.error) throw new ConfigError(problems)
  const revision = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { file, directory: resolve(dirname(file)), revision, secrets, config: parsed.data, plain, problem }
}

/** What is wrong with text that is no YAML, without what only follows from it. */
function notYaml(
  errors: Document['errors'],
  text: string,
): { readonly pos: readonly [number, number]; readonly message: string }[] {
  return errors
    .filter(({ code }, at) => at === 0 || code !== 'UNEXPECTED_TOKEN')
    .map(({ pos, message }) => ({
      pos,
      message: text.slice(0, pos[0]).endsWith('$')
        ? 'not valid YAML: between { } and [ ], put ${...} in quotes'
        : `not valid YAML: ${message.split('\n')[0]}`,
    }))
}

function toPlain(document: Document, at: (offset: number, message: string) => Problem): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new ConfigError([at(0, `not usable YAML: ${(cause as Error).message}`)])
  }
}

function issuesOf(
  { issues }: z.ZodError,
  plain: unknown,
  problem: (path: readonly PropertyKey[], message: string) => Problem,
): Problem[] {
  return issues.flatMap((issue) => describeIssue(issue, plain).map(({ path, message }) => problem(path, message)))
}

function unreadable({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file; give the path of a pipeline in YAML'
  if (code === 'EISDIR') return 'this is a directory; give the path of a pipeline in YAML'
  return `cannot be read: ${message}`
}

/** Fills in `${NAME}` and `${NAME:default}` in scalars; an unquoted scalar is typed after that, as if it had been written so. */
function substitute(
  document: Document,
  environment: Environment,
  secrets: string[],
): { readonly offset: number; readonly message: string }[] {
  const missing: { offset: number; message: string }[] = []
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const offset = node.range?.[0] ?? 0
      const filled = node.value.replace(/\$\{([A-Za-z_]\w*)(?::([^}]*))?\}/g, (_, name: string, fallback?: string) => {
        const value = environment[name]
        if (value !== undefined && value !== '') {
          if (isSecret(name)) secrets.push(value)
          return value
        }
        if (fallback === undefined) {
          missing.push({
            offset,
            message: `the environment variable ${name} is not set; set it, or give a default: \${${name}:default}`,
          })
        }
        return fallback ?? ''
      })
      const [open] = /\$\{[A-Za-z_]\w*(?=$|:[^}]*$)/.exec(node.value.replace(/\$\{[^}]*\}/g, '')) ?? []
      if (open) missing.push({ offset, message: `\`${open}\` has no end: expected \${NAME} or \${NAME:default}` })
      node.value = node.type === Scalar.PLAIN ? typed(filled) : filled
    },
  })
  return missing
}

const isSecret = (name: string): boolean => /pass|secret|token|key|credential|auth|dsn|url/i.test(name)

function typed(text: string): unknown {
  const { contents, errors } = parseDocument(text)
  return errors.length === 0 && isScalar(contents) ? contents.value : text
}

/** Where a path points; the nearest parent where it points to nothing. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node = document.contents
  let offset = node?.range?.[0] ?? 0
  for (const name of path) {
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(name))
      : undefined
    const next = isMap(node) ? pair?.value : isSeq(node) ? node.items[Number(name)] : undefined
    const place = isMap(node)
      ? ((pair?.value as Node | null)?.range?.[0] ?? (pair?.key as Node | undefined)?.range?.[0])
      : (next as Node)?.range?.[0]
    if (place === undefined) break
    offset = place
    node = (next ?? null) as Node | null
  }
  return offset
}
