import { decodeValue } from '../component/value.ts'
import type { Format } from '../component/source.ts'
import { letterPrefix } from '../deadletter/letter.ts'
import type { Header, Record, StoredRecord } from '../record/record.ts'

/** A record that came out of a topology under test. */
export interface Captured {
  /** Milliseconds since the start of the test. */
  readonly frame: number
  /** As plain data: decoded where it can be, else its text. */
  readonly value: unknown
  readonly key: Buffer | null
  readonly headers: readonly Header[]
  readonly timestamp: number
  /** The value's bytes, of a record in a topic. */
  readonly raw?: Buffer | null
  /** Of a dead letter: why it is one. The rest of it is the source record. */
  readonly failure?: Failure
}

export interface Failure {
  readonly id: string
  readonly source: string
  readonly operator: string
  readonly code: string
  readonly message: string
  /** "partition/offset" of the source record. */
  readonly origin: string
}

/** A record that a stream wrote to an external sink. */
export const capturedAtSink = ({ value, key, headers, timestamp }: Record, frame: number): Captured => ({
  frame,
  value: plain(value),
  key,
  headers,
  timestamp,
})

/** A record of a sink's topic. */
export function capturedInTopic(
  { value, key, headers, timestamp }: StoredRecord,
  frame: number,
  format: Format,
): Captured {
  return { frame, value: decoded(value, format), raw: value, key, headers, timestamp }
}

/** A dead letter, from whichever envelope it came in. @param formatOf the format of a source, by its name */
export function capturedLetter(letter: StoredRecord, frame: number, formatOf: (source: string) => Format): Captured {
  const own = letter.headers.filter(([name]) => name.startsWith(letterPrefix))
  const { facts, record } =
    own.length > 0
      ? {
          facts: Object.fromEntries(own.map(([name, text]) => [name.slice(letterPrefix.length), String(text)])),
          record: letter,
        }
      : unwrap(letter)
  const source = facts.source ?? ''
  return {
    frame,
    value: decoded(record.value, formatOf(source)),
    raw: record.value,
    key: record.key,
    headers: record.headers.filter(([name]) => !name.startsWith(letterPrefix)),
    timestamp: letter.timestamp,
    failure: {
      id: facts.id ?? '',
      source,
      operator: facts.operator ?? '',
      code: facts['fault.code'] ?? '',
      message: facts['fault.message'] ?? '',
      origin: `${facts['origin.partition']}/${facts['origin.offset']}`,
    },
  }
}

type JsonBytes = null | string | { readonly base64: string }

interface Envelope {
  readonly original_record: {
    readonly key: JsonBytes
    readonly value: JsonBytes
    readonly headers: readonly (readonly [string, JsonBytes])[]
  }
  readonly error: { readonly code: string; readonly message: string }
  readonly [fact: string]: unknown
}

function unwrap({ value }: StoredRecord) {
  const { original_record: original, error, ...rest } = JSON.parse(String(value)) as Envelope
  const facts: { [name: string]: string } = { 'fault.code': error.code, 'fault.message': error.message }
  for (const [name, fact] of Object.entries(rest)) facts[name] = String(fact)
  const record = {
    key: fromJson(original.key),
    value: fromJson(original.value),
    headers: original.headers.map(([name, text]): Header => [name, fromJson(text)]),
  }
  return { facts, record }
}

function fromJson(bytes: JsonBytes): Buffer | null {
  if (bytes === null) return null
  return typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.base64, 'base64')
}

function decoded(bytes: Buffer | null, format: Format): unknown {
  const result = decodeValue(bytes, format)
  return 'fault' in result || format === 'bytes' ? (bytes?.toString() ?? null) : result.value
}

/** What JSON makes of a value. */
export const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null') as unknown
