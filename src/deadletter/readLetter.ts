import type { Convention } from '../component/convention.ts'
import type { RawRecord, StoredRecord, Header } from '../record/record.ts'
import type { TopicPartition } from '../broker/broker.ts'
import { fingerprint } from './fingerprint.ts'
import { readForeign } from './foreign.ts'
import type { ForeignLetter } from './foreign/foreignLetter.ts'
import { letterId, letterPrefix, readStreams } from './letter.ts'

/** A dead letter, read back from its topic. */
export interface Letter {
  readonly id: string
  readonly pipeline: string
  readonly source: string
  /** Where the letter lies. */
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly operator: string
  readonly fault: { readonly code: string; readonly message: string; readonly stack: string }
  readonly fingerprint: string
  readonly attempts: number
  /** How often the record has been sent back. */
  readonly hops: number
  /** Hash of the config that the pipeline ran. */
  readonly revision: string
  readonly origin: {
    readonly topic: string
    readonly partition: number
    readonly offset: bigint
    /** Milliseconds since the epoch, as all times here. */
    readonly timestamp: number
  }
  readonly failedAt: number
  readonly firstFailedAt: number
  /** What the fault asked for; `retry` means that every try failed. */
  readonly disposition: string
  /** Which of the results of its source record failed; "" for the first or only. */
  readonly index: string
  /** What the operator was given, where that differs from the source record's value. */
  readonly input?: string
  /** The key and the time of the record that it was given, where those differ from the source record's. */
  readonly inputKey?: string
  readonly inputTimestamp?: number
  /** Why the letter does not hold all that the operator was given. */
  readonly inputMissing?: string
  /** The streams that the record had come to, and whether it counts as dead there by this letter; unknown of older letters. */
  readonly streams?: ReadonlyMap<string, boolean>
  /** Where it was read, of a record that came by another topic than its own. */
  readonly read?: TopicPartition
  /** How it was made open again since it failed, where it was and the ledger was asked. */
  readonly reopened?: Reopened
  /** The source record, byte for byte. */
  readonly record: RawRecord
  /** Who wrote the letter, and so how it is read. */
  readonly convention: Convention
  /** What a letter of another convention does not say, or not in a way that can be read, such as "origin.offset"; "record" where it does not hold the source record. */
  readonly missing: readonly string[]
}

/** What whoever sends a letter back must know of one that was dealt with, and is open again. */
export interface Reopened {
  readonly times: number
  /** Whether its record passed when it was sent back before: then it does not count as dead. */
  readonly passed: boolean
}

/** What Oxbow's own letters say of themselves. */
const factNames = [
  'id',
  'pipeline',
  'source',
  'operator',
  'fault.code',
  'fault.message',
  'fault.stack',
  'fingerprint',
  'disposition',
  'attempts',
  'hops',
  'revision',
  'origin.topic',
  'origin.partition',
  'origin.offset',
  'origin.timestamp',
  'failed-at',
  'first-failed-at',
  'index',
  'input',
  'input.key',
  'input.timestamp',
  'input.missing',
  'streams',
  'read.topic',
  'read.partition',
] as const
type FactName = (typeof factNames)[number]
type Facts = { readonly [name in FactName]?: string | undefined }

/**
 * Reads a letter: Oxbow's own, in the `headers` or the `json` envelope, or one that somebody else wrote. Undefined where the record is none.
 * @param convention who is known to write the topic's letters
 */
export function readLetter(stored: StoredRecord, convention: Convention | 'auto' = 'auto'): Letter | undefined {
  if (convention !== 'auto' && convention !== 'oxbow') return readOthers(stored, convention)
  const facts = factsOf(stored.headers)
  if (facts.id !== undefined) {
    const headers = stored.headers.filter(([name]) => !name.startsWith(letterPrefix))
    const timestamp = timeOf(facts['origin.timestamp'])
    return asLetter(stored, facts, { key: stored.key, value: stored.value, headers, timestamp })
  }
  const envelope = readEnvelope(stored)
  if (envelope) return asLetter(stored, envelope.facts, envelope.record)
  return readOthers(stored, convention)
}

function readOthers(stored: StoredRecord, convention: Convention | 'auto'): Letter | undefined {
  const foreign = readForeign(stored, convention)
  return foreign && asForeign(stored, foreign)
}

/** A letter of another convention, as far as it says what Oxbow's own do. Its place is all that tells it from others. */
function asForeign({ topic, partition, offset, timestamp }: StoredRecord, letter: ForeignLetter): Letter {
  const { pipeline, operator = '', attempts = 1, origin, record, convention } = letter
  const fault = { code: letter.fault.code ?? '', message: letter.fault.message ?? '', stack: letter.fault.stack ?? '' }
  const failedAt = letter.failedAt ?? timestamp
  return {
    id: letterId({ topic, partition, offset }, '', ''),
    pipeline: pipeline ?? '',
    source: origin.topic ?? topic,
    topic,
    partition,
    offset,
    operator,
    fault,
    fingerprint: fingerprint({ operator, ...fault }),
    attempts,
    hops: 0,
    revision: '',
    origin: {
      topic: origin.topic ?? '',
      partition: origin.partition ?? 0,
      offset: origin.offset ?? 0n,
      timestamp: origin.timestamp ?? record.timestamp,
    },
    failedAt,
    firstFailedAt: failedAt,
    disposition: 'deadLetter',
    index: '',
    streams: new Map(),
    record,
    convention,
    missing: missingIn(letter),
  }
}

function missingIn({ operator, fault, origin, failedAt, isWithoutRecord, record }: ForeignLetter): string[] {
  const facts: { readonly [name: string]: unknown } = {
    operator,
    'fault.code': fault.code,
    'fault.message': fault.message,
    'fault.stack': fault.stack,
    'origin.topic': origin.topic,
    'origin.partition': origin.partition,
    'origin.offset': origin.offset,
    'origin.timestamp': origin.timestamp,
    failedAt,
    record: isWithoutRecord ? undefined : record,
  }
  return Object.keys(facts).filter((name) => facts[name] === undefined)
}

function asLetter({ topic, partition, offset }: StoredRecord, facts: Facts, record: RawRecord): Letter {
  const text = (name: FactName): string => facts[name] ?? ''
  const number = (name: FactName): number => Number(facts[name] ?? 0)
  const failedAt = timeOf(facts['failed-at'])
  return {
    id: text('id'),
    pipeline: text('pipeline'),
    source: text('source'),
    topic,
    partition,
    offset,
    operator: text('operator'),
    fault: { code: text('fault.code'), message: text('fault.message'), stack: text('fault.stack') },
    fingerprint: text('fingerprint'),
    attempts: number('attempts'),
    hops: number('hops'),
    revision: text('revision'),
    origin: {
      topic: text('origin.topic'),
      partition: number('origin.partition'),
      offset: /^\d+$/.test(text('origin.offset')) ? BigInt(text('origin.offset')) : 0n,
      timestamp: timeOf(facts['origin.timestamp']),
    },
    failedAt,
    firstFailedAt: facts['first-failed-at'] === facts['failed-at'] ? failedAt : timeOf(facts['first-failed-at']),
    disposition: facts.disposition ?? 'deadLetter',
    index: text('index'),
    ...(facts.input !== undefined && { input: facts.input }),
    ...(facts['input.key'] !== undefined && { inputKey: facts['input.key'] }),
    ...(facts['input.timestamp'] !== undefined && { inputTimestamp: timeOf(facts['input.timestamp']) }),
    ...(facts['input.missing'] !== undefined && { inputMissing: facts['input.missing'] }),
    ...(facts.streams !== undefined && { streams: readStreams(facts.streams) }),
    ...(facts['read.topic'] !== undefined && {
      read: { topic: facts['read.topic'], partition: number('read.partition') },
    }),
    record,
    convention: 'oxbow',
    missing: [],
  }
}

/** The facts by the names of their headers. */
const factOf: ReadonlyMap<string, FactName> = new Map(factNames.map((name) => [letterPrefix + name, name]))

function factsOf(headers: readonly Header[]): Facts {
  const facts: { [name in FactName]?: string | undefined } = {}
  for (const [name, value] of headers) {
    const fact = factOf.get(name)
    if (fact !== undefined) facts[fact] = value?.toString()
  }
  return facts
}

/** Zero where there is no time that can be read. */
const timeOf = (iso: string | undefined): number => Date.parse(iso ?? '') || 0

interface Envelope {
  readonly original_record: {
    readonly key: JsonBytes
    readonly value: JsonBytes
    readonly headers: readonly (readonly [name: string, value: JsonBytes])[]
    readonly timestamp: number
  }
  readonly error: { readonly code: string; readonly message: string; readonly stack: string }
  readonly [fact: string]: unknown
}

type JsonBytes = null | string | { readonly base64: string }

function readEnvelope({ value }: StoredRecord): { readonly facts: Facts; readonly record: RawRecord } | undefined {
  if (!value?.includes('"original_record"')) return undefined
  const envelope = parse(value)
  if (!envelope) return undefined
  const { original_record: original, error, timestamp: _, ...facts } = envelope
  const { key, value: bytes, headers, timestamp } = original
  return {
    facts: {
      ...(facts as Facts),
      'fault.code': error.code,
      'fault.message': error.message,
      'fault.stack': error.stack,
    },
    record: {
      key: asBytes(key),
      value: asBytes(bytes),
      headers: headers.map(([name, text]): Header => [name, asBytes(text)]),
      timestamp,
    },
  }
}

/** Some other JSON on a dead-letter topic is no envelope, nor is what is not JSON at all. */
function parse(value: Buffer): Envelope | undefined {
  let document: Partial<Envelope> | null
  try {
    document = JSON.parse(value.toString()) as Partial<Envelope> | null
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
  const { original_record: original, error, id } = document ?? {}
  const complete = Array.isArray(original?.headers) && typeof error?.code === 'string' && typeof id === 'string'
  return complete ? (document as Envelope) : undefined
}

function asBytes(value: JsonBytes): Buffer | null {
  if (value === null) return null
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64')
}
