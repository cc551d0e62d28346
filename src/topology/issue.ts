import type { z } from 'zod'

type Issue = z.core.$ZodIssue

/** A mistake at a place in a config. */
export interface Mistake {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** What a schema issue means, in the words of a person who writes configs. */
export function describeIssue(issue: Issue, config: unknown): Mistake[] {
  const { path } = issue
  const where = path.length === 0 ? 'the config' : `\`${path.join('.')}\``
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        // A map can be a key in YAML, written over several lines.
        message: `unknown key \`${key.replace(/\s+/g, ' ')}\` in ${where}${hint(key, issue.message.split(', '))}`,
      }))
    case 'invalid_union':
      return describeUnion(issue, config)
    case 'invalid_key':
      return [{ path, message: `${where}: ${issue.issues.map(({ message }) => message).join(', ')}` }]
    case 'invalid_type': {
      const expected = isRaw(issue) ? `expected ${article(issue.expected)}` : issue.message
      return [{ path, message: `${where} is ${foundAt(config, path)}: ${expected}` }]
    }
    default:
      return [
        { path, message: `${where}: ${isRaw(issue) ? inPlainWords(issue, valueAt(config, path)) : issue.message}` },
      ]
  }
}

/** Whether its message is the library's, which speaks of arrays and of patterns. */
const isRaw = ({ message }: Issue): boolean => /^(Too (small|big)|Invalid |Unrecognized )/.test(message)

function inPlainWords(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'too_small':
      return amount(issue.origin, `at least ${issue.minimum}`, `more than ${issue.minimum}`, issue.inclusive ?? true)
    case 'too_big':
      return amount(issue.origin, `at most ${issue.maximum}`, `less than ${issue.maximum}`, issue.inclusive ?? true)
    case 'invalid_value': {
      const choices = issue.values.map((each) => (typeof each === 'string' ? `"${each}"` : String(each)))
      const near = nearest(String(value), issue.values.map(String))
      const meant = near.length > 0 ? `; did you mean ${near.map((name) => `"${name}"`).join(' or ')}?` : ''
      return `expected ${choices.length > 2 ? `one of ${choices.join(', ')}` : choices.join(' or ')}${meant}`
    }
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'expected a date and a time of ISO 8601, such as "2026-01-31T12:00:00Z"'
        : `expected it in the form of ${issue.format}`
    default:
      return issue.message
  }
}

/** A bound: of a number, of a list's elements, or of a text's characters. */
function amount(origin: string, inclusive: string, exclusive: string, isInclusive: boolean): string {
  const bound = isInclusive ? inclusive : exclusive
  if (origin === 'array' || origin === 'set') return `expected ${bound} in the list`
  return origin === 'string' ? `expected ${bound} characters` : `expected ${bound}`
}

/** Of a union's branches, speaks of the one that came nearest: the one whose mistakes lie deepest. */
function describeUnion(issue: Extract<Issue, { code: 'invalid_union' }>, config: unknown): Mistake[] {
  const where = issue.path.length === 0 ? 'the config' : `\`${issue.path.join('.')}\``
  const branches = issue.errors.map((branch) =>
    branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })),
  )
  const plain = { path: issue.path, message: `${where}: ${issue.message}` }
  const depth = (branch: readonly Issue[]) => Math.max(0, ...branch.map(({ path }) => path.length))
  const value = valueAt(config, issue.path)
  if (branches.length === 0)
    return [{ ...plain, message: `${where} is ${foundAt(config, issue.path)}: ${choiceOf(issue)}` }]
  const fitting = branches.find(
    (branch) => typeof value === 'string' && branch.every((inner) => isAboutText(inner, issue.path)),
  )
  if (fitting && issue.message === 'Invalid input') return describeIssue(fitting[0]!, config)
  const closest = branches.toSorted((a, b) => depth(b) - depth(a))[0]
  if (!closest || (depth(closest) === issue.path.length && closest[0]?.code !== 'unrecognized_keys')) {
    if (issue.message !== 'Invalid input') return [plain]
    const expected = branches
      .flat()
      .flatMap((inner) => (inner.code === 'invalid_type' ? [article(inner.expected)] : []))
    const found = foundAt(config, issue.path)
    return [{ ...plain, message: `${where} is ${found}: expected ${expected.join(' or ') || 'something else'}` }]
  }
  return closest.flatMap((inner) => describeIssue(inner, config))
}

/** Whether it is a text in the wrong form that is at fault, and not what stands there in its stead. */
const isAboutText = (issue: Issue, path: readonly PropertyKey[]): boolean =>
  issue.path.length === path.length && (issue.code === 'invalid_format' || issue.code === 'custom')

/** What the field that tells the branches of a union apart may be. */
function choiceOf({ message }: Issue): string {
  const choices = Array.from(message.matchAll(/'([^']*)'/g), ([, choice]) => `"${choice}"`)
  return choices.length > 0 ? `expected one of ${choices.join(', ')}` : message
}

/** What stands at a place. */
function foundAt(config: unknown, path: readonly PropertyKey[]): string {
  const value = valueAt(config, path)
  return value === undefined ? 'missing' : article(kindOf(value))
}

function valueAt(config: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (value as { [name: PropertyKey]: unknown } | null | undefined)?.[name],
    config,
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

const names: { readonly [kind: string]: string } = {
  array: 'a list',
  record: 'a map of names to values',
  object: 'a map',
  int: 'a whole number',
  empty: 'empty',
}

const article = (kind: string): string => names[kind] ?? (/^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`)

/**
 * Has an issue say what only its schema knows: about unknown keys, which are known; about what is no text, which text would
 * be right. Hand it to a schema's `safeParse`: Zod knows the schema that raised an issue only here.
 */
export function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  const definition = issue.inst?._zod.def as { readonly shape?: object; readonly checks?: readonly Check[] } | undefined
  if (issue.code === 'unrecognized_keys') return Object.keys(definition?.shape ?? {}).join(', ')
  if (issue.code !== 'invalid_type' || issue.expected !== 'string') return undefined
  const said = definition?.checks?.map(({ _zod }) => _zod.def.error?.(issue))
  return said?.find((message) => typeof message === 'string')
}

interface Check {
  readonly _zod: { readonly def: { readonly error?: (issue: unknown) => unknown } }
}

function hint(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  return near.length > 0
    ? `; did you mean ${near.map((name) => `\`${name}\``).join(' or ')}?`
    : `; known are ${known.join(', ')}`
}

/** Those of the known names that a wrong one may have meant. */
export const nearest = (wrong: string, known: readonly string[]): string[] =>
  known.filter((name) => distance(wrong.toLowerCase(), name.toLowerCase()) <= Math.max(1, Math.floor(name.length / 3)))

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
