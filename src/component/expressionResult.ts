import { Optional } from '@marcbachmann/cel-js'
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { kindOf } from '../record/kind.ts'

/** A result holds what a record's value cannot. */
export class UnfitResultError extends Error {
  override readonly name = 'UnfitResultError'
}

const maxValues = 1_000_000

/**
 * What an expression gave, as plain JSON-able data: integers as numbers, timestamps as ISO 8601, durations as text such
 * as "90s", bytes as a Buffer. An absent optional is undefined, and left out of the objects and lists that hold it.
 * What is plain already is given back as it is, not copied.
 * @throws UnfitResultError for NaN, infinities, integers beyond 2^53 and results of more than a million values
 */
export function plain(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  return converted(value, { left: maxValues })
}

function converted(value: unknown, budget: { left: number }): unknown {
  switch (typeof value) {
    case 'number':
      if (Number.isFinite(value)) return value
      throw new UnfitResultError(`gives ${Number.isNaN(value) ? 'NaN' : 'an infinite number'}, which JSON cannot hold`)
    case 'bigint':
      if (Number.isSafeInteger(Number(value))) return Number(value)
      throw new UnfitResultError('gives an integer too large for a JSON number; string(...) keeps it exactly')
    case 'object':
      if (budget.left-- <= 0) throw new UnfitResultError(`gives more than ${maxValues} values`)
      return value === null ? null : object(value, budget)
    default:
      return value
  }
}

function object(value: object, budget: { left: number }): unknown {
  if (Array.isArray(value)) return list(value, budget)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return fields(value, budget)
  if (value instanceof Uint8Array) return Buffer.isBuffer(value) ? value : Buffer.from(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Duration) return value.toString()
  if (value instanceof Map) return fields(Object.fromEntries(value), budget)
  if (value instanceof Optional) return value.hasValue() ? converted(value.value(), budget) : undefined
  if (value instanceof UnsignedInt) return converted(value.value, budget)
  throw new UnfitResultError('gives a type, which is not a value')
}

function list(values: readonly unknown[], budget: { left: number }): unknown {
  const results = values.map((value) => converted(value, budget))
  if (results.every((result, i) => result === values[i])) return values
  return results.filter((result) => result !== undefined)
}

function fields(holder: object, budget: { left: number }): unknown {
  let same = true
  const entries: [string, unknown][] = []
  for (const [name, value] of Object.entries(holder)) {
    const result = converted(value, budget)
    if (result !== value) same = false
    if (result !== undefined) entries.push([name, result])
  }
  return same ? holder : Object.fromEntries(entries)
}

/** What an operand is, in the words of JSON with their article, never the value itself. */
export function described(value: unknown): string {
  if (typeof value === 'bigint' || value instanceof UnsignedInt) return 'a number'
  if (value instanceof Date) return 'a timestamp'
  if (value instanceof Duration) return 'a duration'
  if (value instanceof Map) return 'an object'
  if (value instanceof Optional) return 'an optional'
  const kind = kindOf(value)
  if (['null', 'bytes', 'absent'].includes(kind)) return kind
  return /^[ao]/.test(kind) ? `an ${kind}` : `a ${kind}`
}
