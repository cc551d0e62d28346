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
      const value = valueAt(config, path)
      if (value === undefined) return [{ path, message: `${where} is missing: expected ${article(issue.expected)}` }]
      return [{ path, message: `${where} is ${article(kindOf(value))}: expected ${article(issue.expected)}` }]
    }
    default:
      return [{ path, message: `${where}: ${issue.message}` }]
  }
}

/** Of a union's branches, speaks of the one that came nearest: the one whose mistakes lie deepest. */
function describeUnion(issue: Extract<Issue, { code: 'invalid_union' }>, config: unknown): Mistake[] {
  const where = issue.path.length === 0 ? 'the config' : `\`${issue.path.join('.')}\``
  const branches = issue.errors.map((branch) =>
    branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })),
  )
  const plain = { path: issue.path, message: `${where}: ${issue.message}` }
  const depth = (branch: readonly Issue[]) => Math.max(0, ...branch.map(({ path }) => path.length))
  const closest = branches.toSorted((a, b) => depth(b) - depth(a))[0]
  if (!closest || (depth(closest) === issue.path.length && closest[0]?.code !== 'unrecognized_keys')) {
    if (issue.message !== 'Invalid input') return [plain]
    const value = valueAt(config, issue.path)
    const expected = branches
      .flat()
      .flatMap((inner) => (inner.code === 'invalid_type' ? [article(inner.expected)] : []))
    if (value === undefined) return [{ ...plain, message: `${where} is missing: expected ${expected.join(' or ')}` }]
    return [
      {
        ...plain,
        message: `${where} is ${article(kindOf(value))}: expected ${expected.join(' or ') || 'something else'}`,
      },
    ]
  }
  return closest.flatMap((inner) => describeIssue(inner, config))
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
 * Has an issue about unknown keys say which keys are known; hand it to a schema's `safeParse`.
 * Zod knows the schema that raised an issue only here.
 */
export function knownKeys(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys') return undefined
  const definition = issue.inst?._zod.def as { readonly shape?: object } | undefined
  return Object.keys(definition?.shape ?? {}).join(', ')
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
