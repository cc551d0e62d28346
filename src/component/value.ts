import { RecordedFault, type Fault } from '../record/fault.ts'
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
export function decodeValue(bytes: Buffer | null, format: Format): { readonly value: unknown } | { readonly fault: Fault } {
  if (bytes === null) return { value: null }
  if (format === 'bytes') return { value: bytes }
  try {
    return { value: format === 'text' ? strictUtf8.decode(bytes) : JSON.parse(bytes.toString()) }
  } catch (cause) {
    return { fault: unreadable(bytes, format, cause as Error) }
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function unreadable(bytes: Buffer, format: Format, cause: Error): Fault {
  if (bytes.length === 0) return new RecordedFault('value.unreadable', `The value is empty, which is not ${format}.`)
  return new RecordedFault('value.unreadable', `The value is not ${format}: ${cause.message}`)
}
