import { isUtf8 } from 'node:buffer'
import { Fault } from '../record/fault.ts'
import { readJson } from './reading.ts'
import type { Format } from './source.ts'

/** A value as bytes: bytes stay as they are, null and undefined are a tombstone, everything else is JSON. */
export function encodeValue(value: unknown, format: Format = 'json'): Buffer | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return Buffer.isBuffer(value) ? value : Buffer.from(value)
  if (format !== 'json' && typeof value === 'string') return Buffer.from(value)
  return Buffer.from(JSON.stringify(value))
}

/**
 * Bytes as a value; a tombstone is null in every format.
 * @returns the value, or the fault `value.unreadable` that says where the bytes go wrong
 */
export function decodeValue(
  bytes: Buffer | null,
  format: Format,
): { readonly value: unknown } | { readonly fault: Fault } {
  if (bytes === null) return { value: null }
  if (format === 'bytes') return { value: bytes }
  if (!isUtf8(bytes)) return { fault: new ValueUnreadableFault(`its bytes are not UTF-8; expected ${format}`) }
  if (format === 'text') return { value: bytes.toString() }
  try {
    return { value: readJson(bytes.toString()) }
  } catch (cause) {
    return {
      fault: new ValueUnreadableFault(bytes.length === 0 ? 'it is empty; expected JSON' : (cause as Error).message),
    }
  }
}

/** The bytes of a source are not what its format says. */
export class ValueUnreadableFault extends Fault {
  readonly code = 'value.unreadable'
  readonly disposition = 'deadLetter'

  constructor(problem: string) {
    super(`The value cannot be read: ${problem}.`)
  }
}
