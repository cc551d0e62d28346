import type { Fault } from '../record/fault.ts'
import type { Header, Origin, OutputRecord, RawRecord, StoredRecord } from '../record/record.ts'
import { maxMessage } from './letter.ts'
import { bounded, type Redact } from './redact.ts'

/** A source record on its way to a retry topic. */
export interface RetryFacts {
  /** The source record as it was read. */
  readonly raw: RawRecord
  readonly origin: Origin
  readonly topic: string
  /** What failed, and the value that it was given. */
  readonly operator: string
  readonly fault: Pick<Fault, 'code' | 'message'>
  readonly input: unknown
  /** Tries so far. */
  readonly attempts: number
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number
  readonly failedAt: number
  readonly due: number
  /** What the pipeline needs to go on with it, for itself alone. */
  readonly state: Buffer
}

/** The prefix of every header that Oxbow puts on a record of a retry topic. */
const prefix = 'oxbow.retry.'
const first = `${prefix}due`

/** What fits into a topic and a request of Kafka as they are by default, with room for the batch around it. */
const maxBytes = 1_000_000

/**
 * The record of a retry topic: the source record byte for byte with `oxbow.retry.*` headers behind its own, in the
 * partition of that number. Its timestamp is the time of the failure, so that retention counts from there.
 * @returns undefined where it would be too large for a topic
 */
export function retryRecord(facts: RetryFacts, redact: Redact): OutputRecord | undefined {
  const { raw, origin, topic, failedAt } = facts
  const headers = [...raw.headers, ...ownHeaders(facts, redact)]
  if (sizeOf(raw.key, raw.value, ...headers.flat()) > maxBytes) return undefined
  return { topic, partition: origin.partition, key: raw.key, value: raw.value, headers, timestamp: failedAt }
}

function ownHeaders({ origin, operator, fault, input, ...facts }: RetryFacts, redact: Redact): Header[] {
  const texts = {
    [first]: new Date(facts.due).toISOString(),
    [`${prefix}attempts`]: String(facts.attempts),
    [`${prefix}first-failed-at`]: new Date(facts.firstFailedAt).toISOString(),
    [`${prefix}operator`]: operator,
    [`${prefix}fault.code`]: fault.code,
    [`${prefix}fault.message`]: bounded(redact.text(fault.message, input), maxMessage),
    [`${prefix}origin.source`]: origin.source,
    [`${prefix}origin.topic`]: origin.topic,
    [`${prefix}origin.partition`]: String(origin.partition),
    [`${prefix}origin.offset`]: String(origin.offset),
    [`${prefix}origin.timestamp`]: new Date(origin.timestamp).toISOString(),
  }
  const headers = Object.entries(texts).map(([name, text]): Header => [name, Buffer.from(text)])
  return [...headers, [`${prefix}state`, facts.state]]
}

/** What a retry record holds: the source record as it lies in its own topic, and the state that was written with it. */
export interface ReadRetry {
  readonly raw: StoredRecord
  readonly state: Buffer
}

/** @returns undefined for what is no retry record */
export function readRetryRecord({ key, value, headers, partition }: StoredRecord): ReadRetry | undefined {
  const start = headers.findLastIndex(([name]) => name === first)
  if (start < 0) return undefined
  const own = new Map(headers.slice(start))
  const text = (name: string) => String(own.get(`${prefix}origin.${name}`))
  const state = own.get(`${prefix}state`)
  const [offset, timestamp] = [text('offset'), Date.parse(text('timestamp'))]
  if (!state || !/^\d+$/.test(offset) || text('partition') !== String(partition) || Number.isNaN(timestamp))
    return undefined
  const raw = { key, value, headers: headers.slice(0, start), timestamp }
  return { raw: { ...raw, topic: text('topic'), partition, offset: BigInt(offset) }, state }
}

const sizeOf = (...parts: readonly (Buffer | string | null)[]): number =>
  parts.reduce((sum, part) => sum + 5 + (part === null ? 0 : Buffer.byteLength(part)), 0)
