import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { Fault } from '../record/fault.ts'
import type { Header, Origin, OutputRecord, RawRecord, Record } from '../record/record.ts'
import type { TopicPartition } from '../broker/broker.ts'
import { fingerprint } from './fingerprint.ts'
import { factsOfInput, type OperatorInput } from './operatorInput.ts'
import { bounded, type Redact } from './redact.ts'

/** Everything a dead letter is made of. */
export interface Failure {
  /** The source record as it was read. */
  readonly raw: RawRecord
  /** The record as it reached the operator that failed; its value differs from the source's after the first step. */
  readonly input: OperatorInput & Pick<Record, 'index' | 'origin'>
  readonly operator: string
  readonly fault: Fault
  readonly attempts: number
  /** The letter that it comes back under, of a record that was sent back; told by origin, operator and index when absent. */
  readonly letter?: string
  /** How often it was sent back. */
  readonly hops: number
  /** The streams that the record had come to, and whether it counts as dead there by this letter. */
  readonly streams?: ReadonlyMap<string, boolean>
  /** Where it was read, of a record that came by another topic than its own. */
  readonly read?: TopicPartition
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number
  readonly failedAt: number
  /** Its topic refused the letter as it was: what can be left out of what is added to the record is (law 5). */
  readonly shortened?: boolean
}

/** What a pipeline says of the letters of one source. */
export interface LetterContext {
  readonly pipeline: string
  /** Hash of the config that the pipeline runs. */
  readonly revision: string
  readonly topic: string
  readonly envelope: 'headers' | 'json'
  readonly redact: Redact
}

export const maxMessage = 2_048
/** The same of a letter that is shortened, in which there is no stack. */
const shortMessage = 256
const maxStack = 8_192
const maxCauses = 5

/** More than a letter has beyond its record, in bytes: what is bounded above, names, and the record batch around it. */
export const letterOverhead = 65_536

/** How much a record may grow in the JSON envelope: quotes become two bytes, other bytes than text base64. */
export const envelopeGrowth = 2

/** The prefix of every header that Oxbow puts on a letter (design section 6). */
export const letterPrefix = 'dlq.'

/** Stable over replays: the same record failing at the same operator is the same letter. */
export const letterId = (
  { topic, partition, offset }: Pick<Origin, 'topic' | 'partition' | 'offset'>,
  operator: string,
  index: string,
): string => hash('sha256', JSON.stringify([topic, partition, String(offset), operator, index])).slice(0, 32)

/**
 * The dead letter of a failure: the source record byte for byte with `dlq.*` headers behind its own, or inside a JSON
 * envelope. Its timestamp is the time of the failure, so that retention counts from there (law 7).
 */
export function deadLetter(failure: Failure, context: LetterContext): OutputRecord {
  const { raw } = failure
  const facts = describeFailure(failure, context)
  const placed = { topic: context.topic, key: raw.key, timestamp: failure.failedAt }
  if (context.envelope === 'json') {
    return { ...placed, value: Buffer.from(JSON.stringify(jsonEnvelope(failure, facts))), headers: [] }
  }
  const own = Object.entries(facts).map(([name, text]) => headerOf(letterPrefix + name, text))
  const kept = raw.headers.filter(([name]) => !name.startsWith(letterPrefix))
  return { ...placed, value: raw.value, headers: [...kept, ...own] }
}

/** The last header of each name: most are the same in record after record, which then share them. */
const said = new Map<string, { readonly text: string; readonly header: Header }>()

/** A header of what is said of one record after another. */
export function headerOf(name: string, text: string): Header {
  const last = said.get(name)
  if (last?.text === text) return last.header
  const header: Header = [name, Buffer.from(text)]
  said.set(name, { text, header })
  return header
}

function describeFailure(failure: Failure, { pipeline, revision, redact }: LetterContext): { [name: string]: string } {
  const { input, operator, fault, raw, streams, read, shortened = false } = failure
  const { origin } = input
  const message = bounded(redact.text(fault.message, input.value), maxMessage)
  const stack = bounded(redact.text(stackOf(fault), input.value), maxStack)
  const failedAt = new Date(failure.failedAt).toISOString()
  return {
    id: failure.letter ?? letterId(origin, operator, input.index),
    pipeline,
    source: origin.source,
    operator,
    reason: fault.name,
    'fault.code': fault.code,
    'fault.message': shortened ? bounded(message, shortMessage) : message,
    'fault.stack': shortened ? '' : stack,
    fingerprint: fingerprint({ operator, code: fault.code, message, stack, explicit: fault.fingerprint }),
    disposition: fault.disposition,
    attempts: String(failure.attempts),
    hops: String(failure.hops),
    revision,
    'origin.topic': origin.topic,
    'origin.partition': String(origin.partition),
    'origin.offset': String(origin.offset),
    'origin.timestamp': new Date(origin.timestamp).toISOString(),
    'failed-at': failedAt,
    'first-failed-at':
      failure.firstFailedAt === failure.failedAt ? failedAt : new Date(failure.firstFailedAt).toISOString(),
    ...(streams && { streams: streamsText(streams) }),
    ...(read && { 'read.topic': read.topic, 'read.partition': String(read.partition) }),
    ...(input.index === '' ? {} : { index: input.index }),
    ...factsOfInput(raw, input, redact, shortened),
  }
}

const deadMark = '=dead'

export const streamsText = (streams: ReadonlyMap<string, boolean>): string =>
  Array.from(streams, ([name, isDead]) => `${name}${isDead ? deadMark : ''}`).join(',')

/** What `dlq.streams` says. */
export const readStreams = (text: string): Map<string, boolean> =>
  new Map(
    text
      .split(',')
      .filter((each) => each !== '')
      .map((each) => (each.endsWith(deadMark) ? [each.slice(0, -deadMark.length), true] : [each, false])),
  )

/** The fault and the errors behind it, each with its stack where it has one. */
function stackOf(fault: Fault): string {
  let text = `${fault.name}: ${fault.message}`
  let { cause } = fault
  for (let depth = 0; depth < maxCauses && cause instanceof Error; depth++, { cause } = cause) {
    text += `\nCaused by: ${cause.stack ?? cause.message}`
  }
  return text
}

/** How often the record has been sent back already; a redrive leaves the count on the record. */
export function hopsOf(headers: readonly Header[]): number {
  const hops = Number(headers.findLast(([name]) => name === `${letterPrefix}hops`)?.[1]?.toString())
  return Number.isSafeInteger(hops) && hops > 0 ? hops : 0
}

function jsonEnvelope({ raw, failedAt }: Failure, facts: { [name: string]: string }): object {
  const { 'fault.message': message, 'fault.code': code, 'fault.stack': stack, ...rest } = facts
  return {
    original_record: {
      key: bytesAsJson(raw.key),
      value: bytesAsJson(raw.value),
      headers: raw.headers.map(([name, value]) => [name, bytesAsJson(value)]),
      timestamp: raw.timestamp,
    },
    error: { code, message, stack },
    timestamp: new Date(failedAt).toISOString(),
    ...rest,
  }
}

/** Text as text, anything else as base64, so that either comes back byte for byte. */
function bytesAsJson(bytes: Buffer | null): null | string | { base64: string } {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') }
}
