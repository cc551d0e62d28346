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
  return withValue(record, placed(record.value, path.split('.'), 0, value))
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
