import { EvaluationError } from '@marcbachmann/cel-js'
import type { Duration } from '@marcbachmann/cel-js/evaluator'
import { RE2JS } from 're2js'

export const limits = { characters: 8_192, steps: 100_000, length: 1_048_576, pattern: 1_024 }

/** Functions of the library that are replaced: regular expressions in linear time, timestamps that name their zone. */
export const replaced: { readonly [name: string]: string } = {
  matches: 'matchesInLinearTime',
  timestamp: 'zonedTimestamp',
}

/** The name under which the user knows a function. */
export const knownAs = (name: string): string => Object.keys(replaced).find((key) => replaced[key] === name) ?? name

export const refuse = (code: string, message: string): never => {
  throw new EvaluationError({ code, message })
}

const timestampType = 'google.protobuf.Timestamp'
const durationType = 'google.protobuf.Duration'

type Numeric = number | bigint
const isNumeric = (value: unknown): value is Numeric => typeof value === 'number' || typeof value === 'bigint'
const allNumeric = (list: Iterable<unknown>): readonly Numeric[] => {
  const values = [...list]
  return values.every(isNumeric) ? values : refuse('not_numbers', 'the list must hold numbers only')
}
const least = (values: readonly Numeric[]): Numeric => values.reduce((a, b) => (b < a ? b : a))
const greatest = (values: readonly Numeric[]): Numeric => values.reduce((a, b) => (b > a ? b : a))
const notEmpty = (values: readonly Numeric[]): readonly Numeric[] =>
  values.length > 0 ? values : refuse('empty_list', 'the list is empty')

/** The functions that Oxbow adds to CEL's own. */
export const functions: readonly {
  readonly signature: string
  readonly description: string
  readonly handler: (...args: never[]) => unknown
}[] = [
  added('string.lower(): string', 'The text in lower case.', (text: string) => text.toLowerCase()),
  added('string.upper(): string', 'The text in upper case.', (text: string) => text.toUpperCase()),
  added('string.replace(string, string): string', 'The text with every occurrence replaced.', replace),
  ...overloads(['double', 'int'], (type) => [
    added(`abs(${type}): ${type}`, 'The number without its sign.', (x: Numeric) => (x < 0 ? -x : x)),
    added(`floor(${type}): double`, 'The next whole number below.', (x: Numeric) => Math.floor(Number(x))),
    added(`ceil(${type}): double`, 'The next whole number above.', (x: Numeric) => Math.ceil(Number(x))),
    added(`round(${type}): double`, 'The nearest whole number, halves away from zero.', (x: Numeric) => rounded(x)),
    added(`round(${type}, int): double`, 'The number rounded to so many decimal places.', rounded),
    added(`min(${type}, ${type}): ${type}`, 'The lower of two numbers.', (a: Numeric, b: Numeric) => least([a, b])),
    added(`max(${type}, ${type}): ${type}`, 'The higher of two numbers.', (a: Numeric, b: Numeric) => greatest([a, b])),
  ]),
  ...overloads(['int, double', 'double, int'], (types) => [
    added(`min(${types}): double`, 'The lower of two numbers.', (a: Numeric, b: Numeric) => Number(least([a, b]))),
    added(`max(${types}): double`, 'The higher of two numbers.', (a: Numeric, b: Numeric) => Number(greatest([a, b]))),
  ]),
  added('min(list): dyn', 'The lowest number of a list.', (list: Iterable<unknown>) =>
    least(notEmpty(allNumeric(list))),
  ),
  added('max(list): dyn', 'The highest number of a list.', (list: Iterable<unknown>) =>
    greatest(notEmpty(allNumeric(list))),
  ),
  added('sum(list): double', 'The sum of a list of numbers.', (list: Iterable<unknown>) =>
    allNumeric(list).reduce<number>((sum, x) => sum + Number(x), 0),
  ),
  added(`string(${timestampType}): string`, 'The time in ISO 8601, UTC.', (time: Date) => time.toISOString()),
  added(`string(${durationType}): string`, 'The duration in seconds, such as "90s".', (span: Duration) => `${span}`),
  added(`int(${timestampType}): int`, 'Seconds since 1970.', (time: Date) => BigInt(Math.floor(time.getTime() / 1000))),
]

/** The stand-ins of what is replaced, known to users by the library's names. */
export const standIns = [
  added(`string.${replaced['matches']}(string): bool`, '', (text: string, pattern: string) =>
    safePattern(pattern).test(text),
  ),
  added(`${replaced['timestamp']}(string): ${timestampType}`, '', zonedTimestamp),
  added(`${replaced['timestamp']}(int): ${timestampType}`, '', (seconds: bigint) => timeAt(Number(seconds) * 1000)),
  added(`${replaced['timestamp']}(double): ${timestampType}`, '', (seconds: number) => timeAt(seconds * 1000)),
  added(`${replaced['timestamp']}(${timestampType}): ${timestampType}`, '', (time: Date) => time),
]
function added(signature: string, description: string, handler: (...args: never[]) => unknown) {
  return { signature, description, handler }
}

function overloads<T>(types: readonly string[], of: (type: string) => readonly T[]): readonly T[] {
  return types.flatMap(of)
}

function replace(text: string, from: string, to: string): string {
  if (from === '') return refuse('empty_text', 'replace() needs a text to look for, not an empty one')
  const parts = text.split(from)
  if (text.length + (parts.length - 1) * to.length > limits.length) return tooLong()
  return parts.join(to)
}

function rounded(x: Numeric, places: bigint = 0n): number {
  const sign = x < 0 ? -1 : 1
  if (places < 0n || places > 15n) return refuse('index_out_of_range', 'round() takes 0 to 15 decimal places')
  const scaled = Math.round(Number(`${Math.abs(Number(x))}e${places}`))
  return Number.isNaN(scaled) ? Number(x) : sign * Number(`${scaled}e-${places}`)
}

const zoned = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i

function zonedTimestamp(text: string): Date {
  return timeAt(zoned.test(text) ? Date.parse(text.replace(' ', 'T')) : NaN)
}

/** The range that CEL gives timestamps: years 1 to 9999. */
function timeAt(ms: number): Date {
  if (ms >= -62_135_596_800_000 && ms <= 253_402_300_799_999) return new Date(ms)
  return refuse('invalid_timestamp', 'timestamp() takes a text such as "2026-01-08T12:00:00Z" or seconds since 1970')
}

/** A pattern that may come out of a record, so that what is wrong with it is not shown. */
function safePattern(pattern: string): RE2JS {
  try {
    return compiledPattern(pattern)
  } catch {
    return refuse('invalid_regular_expression', 'the regular expression is not valid')
  }
}

const patterns = new Map<string, RE2JS>()

/** A pattern compiled once; patterns that come out of records push one another out. */
export function compiledPattern(pattern: string): RE2JS {
  const known = patterns.get(pattern)
  if (known) return known
  if (pattern.length > limits.pattern) refuse('invalid_regular_expression', 'the regular expression is too long')
  const fresh = RE2JS.compile(pattern)
  if (patterns.size >= 256) patterns.delete(patterns.keys().next().value!)
  patterns.set(pattern, fresh)
  return fresh
}

export function tooLong(): never {
  return refuse('too_long', `builds a text or list longer than ${limits.length}`)
}
