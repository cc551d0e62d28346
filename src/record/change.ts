import { Fault } from './fault.ts'
import { kindOf } from './kind.ts'
import { withValue, type Record } from './record.ts'

/** A field cannot be put where the path says: what should hold it is, say, a string. */
export class UnplaceableFieldFault extends Fault {
  readonly code = 'field.unplaceable'
  readonly disposition = 'deadLetter'

  constructor(path: string, holder: string, kind: string) {
    super(`Cannot put the field "${path}": ${holder === '' ? 'the value' : `"${holder}"`} is ${kind}, not an object.`)
  }
}

/**
 * A copy of the record with the field at a dotted path set; objects that are missing on the way are created, and what
 * does not lie on the way is shared with the original.
 * @throws UnplaceableFieldFault when something on the way holds no fields
 */
export function withField(record: Record, path: string, value: unknown): Record {
  return withValue(record, withFieldOf(record.value, path, value))
}

/** A copy of a value with the field at a dotted path set, as `withField` sets it; of nothing, it makes an object. */
export const withFieldOf = (holder: unknown, path: string, value: unknown): unknown =>
  placed(holder, path.split('.'), 0, value)

/** A copy of the record without the field at a dotted path; the record itself where there is no such field. */
export function withoutField(record: Record, path: string): Record {
  const value = withoutFieldOf(record.value, path)
  return value === record.value ? record : withValue(record, value)
}

/** A copy of a value without the field at a dotted path; the value itself where there is no such field. */
export const withoutFieldOf = (holder: unknown, path: string): unknown => without(holder, path.split('.'), 0)

function without(holder: unknown, path: readonly string[], depth: number): unknown {
  const name = path[depth]!
  if (holder === null || typeof holder !== 'object' || holder instanceof Uint8Array || !Object.hasOwn(holder, name)) {
    return holder
  }
  const fields = holder as { readonly [name: string]: unknown }
  const inner = depth === path.length - 1 ? undefined : without(fields[name], path, depth + 1)
  if (inner !== undefined && inner === fields[name]) return holder
  if (Array.isArray(holder)) {
    return inner === undefined ? holder.toSpliced(Number(name), 1) : holder.with(Number(name), inner)
  }
  if (inner !== undefined) return { ...fields, [name]: inner }
  const { [name]: _removed, ...rest } = fields
  return rest
}

function placed(holder: unknown, path: readonly string[], depth: number, value: unknown): unknown {
  if (depth === path.length) return value
  const name = path[depth]!
  if (Array.isArray(holder) && Object.hasOwn(holder, name) && name !== 'length') {
    return holder.with(Number(name), placed(holder[Number(name)], path, depth + 1, value))
  }
  if (holder !== undefined && (typeof holder !== 'object' || ['null', 'array', 'bytes'].includes(kindOf(holder)))) {
    throw new UnplaceableFieldFault(path.join('.'), path.slice(0, depth).join('.'), kindOf(holder))
  }
  const fields = (holder ?? {}) as { readonly [name: string]: unknown }
  const before = Object.hasOwn(fields, name) ? fields[name] : undefined
  return { ...fields, [name]: placed(before, path, depth + 1, value) }
}
