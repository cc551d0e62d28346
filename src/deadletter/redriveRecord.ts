import type { TopicPartition } from '../broker/broker.ts'
import type { Header, OutputRecord, RawRecord, StoredRecord } from '../record/record.ts'
import type { FailureTime } from './ledger/entry.ts'
import { headerOf, readStreams, streamsText } from './letter.ts'

/** A letter that is sent back, and in which redrive. */
export interface SentBack extends FailureTime {
  readonly letter: string
  /** The dead-letter topic that has it. */
  readonly topic: string
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number
  /** The redrive that it is part of. */
  readonly redrive: string
}

/** The record as an operator is to get it, where that differs from the source record. */
export interface Reentry {
  /** As JSON. */
  readonly value?: string
  readonly key?: string
  /** Milliseconds since the epoch. */
  readonly timestamp?: number
}

/** A dead letter on its way back. */
export interface RedriveFacts extends SentBack {
  /** How often it was made open again since it failed. */
  readonly reopened: number
  /** Whether the record passed before, or is about to: it is counted already. */
  readonly passed: boolean
  readonly source: string
  /** The source record as it lies in its topic, or as it was fixed. */
  readonly raw: StoredRecord
  /** What failed. */
  readonly operator: string
  /** Where the record goes on: at what failed, or from the source record on. */
  readonly from: 'operator' | 'source'
  readonly index: string
  readonly input: Reentry
  /** Why `input` is not all that the operator was given: then only a task that holds the record can go on with it. */
  readonly missing?: string
  /** Whether somebody changed the record: what a task holds of it is to be changed, too. */
  readonly fixed: boolean
  /** Whether this pipeline never counted the record: others wrote the letter, or it did under another name. */
  readonly uncounted?: true
  readonly streams?: ReadonlyMap<string, boolean>
  readonly read?: TopicPartition
}

/** The prefix of every header that Oxbow puts on a record of a lane. */
const prefix = 'oxbow.redrive.'
const first = `${prefix}letter`

/**
 * A record of a lane: the source record byte for byte, or as it was fixed, with `oxbow.redrive.*` headers behind its own.
 * @param lane where it goes to @param now milliseconds since the epoch: retention counts from there
 */
export function redriveRecord(facts: RedriveFacts, lane: TopicPartition, now: number): OutputRecord {
  const { key, value, headers } = facts.raw
  return { ...lane, key, value, headers: [...headers, ...ownHeaders(facts)], timestamp: now }
}

function ownHeaders(facts: RedriveFacts): Header[] {
  const { raw, input, streams, read } = facts
  const headers: Header[] = []
  const say = (name: string, text: string | number | bigint | undefined): void => {
    if (text !== undefined) headers.push(headerOf(prefix + name, String(text)))
  }
  say('letter', facts.letter)
  say('topic', facts.topic)
  say('hops', facts.hops)
  say('failed-at', facts.failedAt)
  say('first-failed-at', facts.firstFailedAt)
  say('redrive', facts.redrive)
  say('reopened', facts.reopened === 0 ? undefined : facts.reopened)
  say('passed', facts.passed ? 'true' : undefined)
  say('source', facts.source)
  say('origin.topic', raw.topic)
  say('origin.partition', raw.partition)
  say('origin.offset', raw.offset)
  say('origin.timestamp', raw.timestamp)
  say('operator', facts.operator)
  say('from', facts.from)
  say('index', facts.index)
  say('input.value', input.value)
  say('input.key', input.key)
  say('input.timestamp', input.timestamp)
  say('input.missing', facts.missing)
  say('fixed', facts.fixed ? 'true' : undefined)
  say('uncounted', facts.uncounted ? 'true' : undefined)
  say('streams', streams && streamsText(streams))
  say('read.topic', read?.topic)
  say('read.partition', read?.partition)
  return headers
}

/** @returns undefined for what is no record of a redrive: anybody may write to a topic */
export function readRedriveRecord({ key, value, headers }: StoredRecord): RedriveFacts | undefined {
  const start = headers.findLastIndex(([name]) => name === first)
  if (start < 0) return undefined
  const own = new Map(headers.slice(start))
  const text = (name: string): string | undefined => own.get(prefix + name)?.toString()
  const number = (name: string): number => Number(text(name) ?? NaN)
  const [offset, source, operator] = [text('origin.offset') ?? '', text('source'), text('operator')]
  const [topic, redrive, origin] = [text('topic'), text('redrive'), text('origin.topic')]
  const numbers = ['hops', 'failed-at', 'first-failed-at', 'origin.partition', 'origin.timestamp'].map(number)
  const isWhole = numbers.every(Number.isSafeInteger) && /^\d{1,19}$/.test(offset)
  if (!isWhole || !source || !operator || !topic || redrive === undefined || !origin) return undefined
  const place = { topic: origin, partition: number('origin.partition'), offset: BigInt(offset) }
  const raw: RawRecord = { key, value, headers: headers.slice(0, start), timestamp: number('origin.timestamp') }
  const [input, inputKey, missing, streams] = [
    text('input.value'),
    text('input.key'),
    text('input.missing'),
    text('streams'),
  ]
  return {
    letter: text('letter')!,
    topic,
    hops: number('hops'),
    failedAt: number('failed-at'),
    firstFailedAt: number('first-failed-at'),
    redrive,
    reopened: number('reopened') || 0,
    passed: text('passed') === 'true',
    source,
    raw: { ...raw, ...place },
    operator,
    from: text('from') === 'source' ? 'source' : 'operator',
    index: text('index') ?? '',
    input: {
      ...(input !== undefined && { value: input }),
      ...(inputKey !== undefined && { key: inputKey }),
      ...(Number.isSafeInteger(number('input.timestamp')) && { timestamp: number('input.timestamp') }),
    },
    ...(missing !== undefined && { missing }),
    fixed: text('fixed') === 'true',
    ...(text('uncounted') === 'true' && { uncounted: true }),
    ...(streams !== undefined && { streams: readStreams(streams) }),
    ...(text('read.topic') !== undefined && {
      read: { topic: text('read.topic')!, partition: number('read.partition') },
    }),
  }
}
