import { z } from 'zod'
import { encodeValue } from '../component/value.ts'
import type { Format } from '../component/source.ts'
import type { Header, OutputRecord } from '../record/record.ts'

const bytes = z.union([z.string(), z.strictObject({ base64: z.base64() })])

const spelling = z.strictObject({
  $value: z.unknown().optional(),
  $raw: bytes.nullable().optional(),
  $key: bytes.nullable().optional(),
  $headers: z
    .union([z.array(z.tuple([z.string(), bytes.nullable()])), z.record(z.string(), bytes.nullable())])
    .optional(),
  $timestamp: z.union([z.number(), z.iso.datetime({ offset: true })]).optional(),
  $fault: z.string().optional(),
  $operator: z.string().optional(),
})

/** Which parts of a record a test may spell out. */
const spellableParts = Object.keys(spelling.shape)

/** What a letter of a test stands for. Parts that are absent are not compared. */
export interface Letter {
  /** The value as plain data; absent when the test does not say. */
  readonly value?: { readonly of: unknown }
  /** The value byte for byte. */
  readonly raw?: Buffer | null
  readonly key?: Buffer | null
  readonly headers?: readonly Header[]
  /** Whether the headers are all there are, in this order. */
  readonly allHeaders?: boolean
  /** Milliseconds since the epoch. */
  readonly timestamp?: number
  /** Of a dead letter: the fault's code, and the operator that failed. */
  readonly fault?: string
  readonly operator?: string
}

/** A letter whose value cannot be understood. */
export class LetterError extends Error {
  override readonly name = 'LetterError'
}

/**
 * Reads what a letter stands for. Any plain data is the record's value; an object of keys that begin with `$` spells the
 * record out: `$value` or `$raw` (text, or `{ base64 }`), `$key`, `$headers`, `$timestamp`, and for dead letters `$fault`
 * (the code) and `$operator`.
 * @throws LetterError
 */
export function readLetter(value: unknown): Letter {
  if (!isSpelledOut(value)) return { value: { of: value } }
  const { data, error } = spelling.safeParse(value)
  if (error) {
    const { path, message } = error.issues[0]!
    throw new LetterError(
      `${path.map(String).join('.') || 'the value'}: ${message}; known are ${spellableParts.join(', ')}`,
    )
  }
  const { $value, $raw, $key, $headers, $timestamp, $fault, $operator } = data
  const headers = $headers && (Array.isArray($headers) ? $headers : Object.entries($headers))
  return {
    ...(Object.hasOwn(data, '$value') && { value: { of: $value } }),
    ...($raw !== undefined && { raw: toBytes($raw) }),
    ...($key !== undefined && { key: toBytes($key) }),
    ...(headers && { headers: headers.map(([name, text]): Header => [name, toBytes(text)]) }),
    ...(headers && { allHeaders: Array.isArray($headers) }),
    ...($timestamp !== undefined && { timestamp: new Date($timestamp).getTime() }),
    ...($fault !== undefined && { fault: $fault }),
    ...($operator !== undefined && { operator: $operator }),
  }
}

const isSpelledOut = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && spellableParts.some((name) => Object.hasOwn(value, name))

function toBytes(text: z.output<typeof bytes> | null): Buffer | null {
  if (text === null) return null
  return typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.base64, 'base64')
}

/** The letter as a record for a source's topic; without a value it is a tombstone. @param now its timestamp, if it says none */
export function asInput(letter: Letter, topic: string, format: Format, now: number): OutputRecord {
  const value = letter.raw !== undefined ? letter.raw : encodeValue(letter.value?.of, format)
  const { key = null, headers = [], timestamp = now } = letter
  return { topic, key, value, headers, timestamp }
}
