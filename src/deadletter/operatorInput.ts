import { isUtf8 } from 'node:buffer'
import { encodeValue } from '../component/value.ts'
import { isPlainJson } from '../record/plainJson.ts'
import type { Header, RawRecord, Record } from '../record/record.ts'
import type { Redact } from './redact.ts'

/** A record as it reached the operator that failed; what is absent is as its source has it. */
export type OperatorInput = Pick<Record, 'value'> & Partial<Pick<Record, 'key' | 'headers' | 'timestamp'>>

/** Of a value as JSON, and of a key; beyond it, the letter has none. */
const maxInput = 16_384
const lastMoment = 8.64e15

type Facts = { readonly [name: string]: string }

/**
 * What a letter says of the operator's input: what of it differs from the source record, and, where it does not say all
 * that is needed to go on from there, what is missing (`input.missing`).
 */
export function factsOfInput(raw: RawRecord, input: OperatorInput, redact: Redact, shortened: boolean): Facts {
  return { ...factsOfPlace(raw, input, redact), ...factsOfValue(raw, input.value, redact, shortened) }
}

function factsOfValue(raw: RawRecord, value: unknown, redact: Redact, shortened: boolean): Facts {
  const plain = bytesOf(value)
  if (plain === undefined) return missing('it is no JSON')
  if (isSame(plain, raw.value)) return {}
  if (plain === null) return missing('it is null')
  if (shortened) return missing('the letter is shortened')
  if (plain.length > maxInput) return missing('it is too large')
  const masked = redact.value(value)
  const text = isUtf8(plain) ? redact.json(masked === value ? plain.toString() : JSON.stringify(masked)) : undefined
  if (text === undefined) return missing('it is no JSON')
  if (!isPlainJson(value)) return { input: text, ...missing('it is no JSON') }
  return text === plain.toString() ? { input: text } : { input: text, ...missing('it is redacted') }
}

function factsOfPlace(raw: RawRecord, input: OperatorInput, redact: Redact): Facts {
  const { key = raw.key, headers = raw.headers, timestamp = raw.timestamp } = input
  const time = timestamp === raw.timestamp ? {} : factsOfTime(timestamp)
  const others = isSameList(headers, raw.headers) ? {} : missing('its headers are not those of the record')
  return { ...others, ...time, ...(isSame(key, raw.key) ? {} : factsOfKey(key, redact)) }
}

function factsOfTime(timestamp: number): Facts {
  const isTime = Number.isInteger(timestamp) && Math.abs(timestamp) <= lastMoment
  return isTime ? { 'input.timestamp': new Date(timestamp).toISOString() } : missing('its timestamp is none')
}

function factsOfKey(key: Buffer | null, redact: Redact): Facts {
  if (key === null) return missing('its key is null')
  if (!(key instanceof Uint8Array) || key.length > maxInput || !isUtf8(key)) return missing('its key is no text')
  const text = Buffer.from(key).toString()
  return redact.json(text) === text ? { 'input.key': text } : missing('its key is redacted')
}

const missing = (why: string): Facts => ({ 'input.missing': why })

/** Undefined for what JSON cannot hold, which may be the very reason for the failure. */
function bytesOf(value: unknown): Buffer | null | undefined {
  try {
    return encodeValue(value)
  } catch {
    return undefined
  }
}

const isSame = (a: Buffer | null, b: Buffer | null): boolean => a === b || (a !== null && b !== null && b.equals(a))

const isSameList = (a: readonly Header[], b: readonly Header[]): boolean =>
  a === b ||
  (Array.isArray(a) &&
    a.length === b.length &&
    a.every(([name, value], at) => name === b[at]![0] && isSame(value, b[at]![1])))
