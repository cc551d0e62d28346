import { kindOf } from '../record/kind.ts'

const deepest = 1_000

/** A value that no record can hold; `path` says where in it. */
export class UnfitValueError extends Error {
  override readonly name = 'UnfitValueError'
}

/**
 * A copy of JSON-able data that shares nothing with it. Bytes become a Buffer, dates ISO 8601; fields that are undefined
 * are left out.
 * @throws UnfitValueError for what JSON cannot hold: functions, NaN, bigints, instances of classes, what holds itself
 */
export function copyOf(value: unknown, path = 'the value', depth = 0): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    throw new UnfitValueError(`${path} is ${value}, which JSON cannot hold`)
  }
  if (typeof value !== 'object') throw new UnfitValueError(`${path} is ${kindOf(value)}, which JSON cannot hold`)
  if (depth > deepest) throw new UnfitValueError(`it is nested deeper than ${deepest} levels`)
  if (Array.isArray(value)) return value.map((element, n) => copyOf(element, `${path}[${n}]`, depth + 1))
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value instanceof Date) {
    if (!Number.isNaN(value.getTime())) return value.toISOString()
    throw new UnfitValueError(`${path} is an invalid date`)
  }
  return copyOfFields(value, path, depth)
}

function copyOfFields(value: object, path: string, depth: number): object {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new UnfitValueError(`${path} is an instance of ${value.constructor.name}, expected plain data`)
  }
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(entries.map(([name, inner]) => [name, copyOf(inner, `${path}.${name}`, depth + 1)]))
}
