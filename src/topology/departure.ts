import { z } from 'zod'
import { readRetryRecord, retryRecord } from '../deadletter/retryRecord.ts'
import { RecordedFault, type Fault } from '../record/fault.ts'
import type { OutputRecord, Record, StoredRecord } from '../record/record.ts'
import { contentsOf } from './contents.ts'
import { decode, encode } from './encoded.ts'
import type { HeldPart } from './held.ts'
import { Lineage } from './lineage.ts'
import type { PlannedSource, RetryPolicy } from './plan.ts'
import type { Retry } from './retries.ts'

/** A part of a source record that failed at a node, and may pass later. */
export interface FailedPart extends HeldPart {
  readonly retry: Retry
  readonly fault: Pick<Fault, 'code' | 'message'>
}

/** Whether a failed part waits until the others of its record are done, and then all that is left of it goes on together. */
export const leavesTogether = ({ topic, reenter }: RetryPolicy): boolean => topic !== undefined || reenter === 'source'

/** The place where a record runs from its source record on. */
export const startOf = (source: string): string => `${source}.read`

/** What is to be done again for parts that failed: each of them, or all of their source record. */
export function toRepeat(lineage: Lineage, failed: readonly FailedPart[], { reenter }: RetryPolicy): FailedPart[] {
  if (reenter === 'operator') return [...failed]
  const { key, headers, timestamp } = lineage.raw
  const last = failed.at(-1)!
  const record = { key, value: null, headers, timestamp, origin: lineage, index: '' }
  return [{ ...last, node: startOf(lineage.input), record }]
}

/** What only the pipeline itself reads of a retry record. */
interface Luggage {
  /** By the stream's name. */
  readonly marks: { readonly [stream: string]: number }
  readonly buried: Set<string>
  readonly parts: readonly PackedPart[]
}

interface PackedPart {
  readonly node: string
  readonly retry: Retry
  /** What differs from the source record. */
  readonly record: Partial<Omit<Record, 'origin'>>
}

const time = z.number().min(0)
const bytes = z.instanceof(Uint8Array).nullable()

/** Anybody may write to a topic. */
const luggage = z.object({
  marks: z.record(z.string(), z.int()),
  buried: z.set(z.string()),
  parts: z
    .array(
      z.object({
        node: z.string(),
        retry: z.object({ attempts: z.int(), firstFailedAt: time, due: time }),
        record: z.object({
          key: bytes.optional(),
          headers: z.array(z.tuple([z.string(), bytes])).optional(),
          timestamp: time.optional(),
          index: z.string().optional(),
        }),
      }),
    )
    .min(1),
})

/**
 * All that is left of a source record as one record of its retry topic.
 * @param failed the parts that failed @param repeated those to go on with
 * @returns undefined where the source has none, or where it would not fit
 */
export function departure(
  lineage: Lineage,
  failed: readonly FailedPart[],
  repeated: readonly FailedPart[],
  { deadLetters: { retry, redact } }: PlannedSource,
  streams: readonly string[],
  now: number,
): OutputRecord | undefined {
  if (retry.topic === undefined) return undefined
  const { node: operator, record, fault, retry: last } = failed.at(-1)!
  const { buried = new Set<string>() } = lineage
  const state: Luggage = { marks: lineage.marksByName(streams), buried, parts: repeated.map(packed) }
  const facts = {
    raw: lineage.raw,
    origin: lineage,
    topic: retry.topic,
    operator,
    fault,
    input: record.value,
    attempts: last.attempts,
    firstFailedAt: last.firstFailedAt,
    failedAt: now,
    due: Math.min(...repeated.map((part) => part.retry.due)),
    state: encode(state),
  }
  return retryRecord(facts, redact)
}

function packed({ node, record, retry }: FailedPart): PackedPart {
  const { raw, read, input } = record.origin as Lineage
  const isSource = node === startOf(input) || (read !== undefined && read.value === record.value)
  return {
    node,
    retry,
    record: {
      ...(record.key !== raw.key && { key: record.key }),
      ...(!isSource && { value: record.value }),
      ...(record.headers !== raw.headers && { headers: record.headers }),
      ...(record.timestamp !== raw.timestamp && { timestamp: record.timestamp }),
      ...(record.index !== '' && { index: record.index }),
    },
  }
}

/** A source record that came by its retry topic, with the parts of it to go on with, or the fault that says why none can. */
export interface Arrival {
  readonly lineage: Lineage
  readonly parts: readonly Omit<FailedPart, 'fault'>[]
  readonly fault?: Fault
}

/** Takes a record of a retry topic for what it was when it departed. */
export function arrival(stored: StoredRecord, topic: PlannedSource, streams: readonly string[]): Arrival {
  const source = topic.retriesOf!
  const found = readRetryRecord(stored)
  const taken = found && unpacked(found.state)
  if (!taken) return { lineage: new Lineage(source, stored), parts: [], fault: noRetry(stored.topic) }
  const { raw } = found
  const { partition, offset } = stored
  const lineage = new Lineage(source, raw, { topic: stored.topic, partition, offset })
  lineage.setMarks(taken.marks, streams)
  lineage.buried = taken.buried
  const whole = contentsOf(lineage, topic)
  if ('fault' in whole) return { lineage, parts: [], fault: whole.fault }
  const parts = taken.parts.map(({ node, retry, record }) => ({ node, retry, record: { ...whole.record, ...record } }))
  return { lineage, parts }
}

function unpacked(state: Buffer): Luggage | undefined {
  try {
    const found = decode<Luggage>(state)
    return luggage.safeParse(found).success ? found : undefined
  } catch (thrown) {
    if (thrown instanceof Error) return undefined
    throw thrown
  }
}

const noRetry = (topic: string): Fault =>
  new RecordedFault(
    'retry.unreadable',
    `The record was not written to ${topic} by this pipeline: its headers are not those of a retry.`,
  )
