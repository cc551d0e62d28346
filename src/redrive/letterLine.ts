import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { dispositions, type Disposition, type LedgerEntry } from '../deadletter/ledger/entry.ts'
import type { Decision } from '../deadletter/ledger/audit.ts'
import { fingerprintOfLetter } from '../deadletter/fingerprint.ts'
import { headersAsJson, keyMember } from '../record/asJson.ts'
import type { Header, StoredRecord } from '../record/record.ts'
import type { KeptLetter } from './keptLetters.ts'

/** A letter as somebody exported it. */
export interface ExportedLetter {
  readonly id: string
  readonly disposition: Disposition
  /** The record of its dead-letter topic. */
  readonly record: Omit<StoredRecord, 'offset'>
  readonly history: readonly LedgerEntry[]
}

/** A line that is no letter, and no decision about a group of them; the message says why. */
export class LineUnreadable extends Error {
  override readonly name = 'LineUnreadable'
}

/**
 * A letter as one line of JSON, from which the record that lies on its topic can be had back byte for byte, and what became of it:
 * `{id, disposition, source, operator, code, failedAt, history, topic, partition, offset, timestamp, key, headers, value}`. The value is text,
 * whatever it is, or `valueBase64`.
 */
export function letterLine({ record, letter, disposition }: KeptLetter, history: readonly LedgerEntry[]): string {
  const { id, source, operator, fault, failedAt } = letter
  const { topic, partition, offset, timestamp, key, headers, value } = record
  const facts = JSON.stringify({
    ...{ id, disposition, source, operator, code: fault.code, failedAt: iso(failedAt) },
    history: history.map(({ letter: _, ...entry }) => entry),
    ...{ topic, partition, offset: Number(offset), timestamp },
  })
  return `${facts.slice(0, -1)},${keyMember(key)},"headers":${headersAsJson(headers)},${valueText(value)}}\n`
}

/** What was decided about a group of letters, as one line of JSON: `{group, topic, to, by, why, at}`. */
export const decisionLine = (decision: Decision): string => `${JSON.stringify(decision)}\n`

/** The names of the columns of `flatLine`, in their order. */
export const columns = [
  'id',
  'disposition',
  'topic',
  'partition',
  'offset',
  'pipeline',
  'source',
  'operator',
  'fault_code',
  'fault_message',
  'fault_stack',
  'fingerprint',
  'attempts',
  'hops',
  'revision',
  'origin_topic',
  'origin_partition',
  'origin_offset',
  'origin_timestamp',
  'failed_at',
  'first_failed_at',
  'key',
  'key_base64',
  'value',
  'value_base64',
  'headers',
  'decided_at',
  'decided_by',
  'decided_why',
] as const

/** A letter as a row: the source record and what is known of the failure, the same columns in every line, none of them nested. */
export function flatLine({ letter, disposition }: KeptLetter, history: readonly LedgerEntry[]): string {
  const { id, topic, partition, offset, pipeline, source, operator, fault, attempts, hops, revision, origin } = letter
  const { key, value, headers } = letter.record
  const last = history.at(-1)
  const row: { readonly [column in (typeof columns)[number]]: string | number | null } = {
    ...{ id, disposition, topic, partition, offset: Number(offset), pipeline, source, operator },
    fault_code: fault.code,
    fault_message: fault.message,
    fault_stack: fault.stack,
    fingerprint: fingerprintOfLetter(letter),
    ...{ attempts, hops, revision },
    origin_topic: origin.topic,
    origin_partition: origin.partition,
    origin_offset: Number(origin.offset),
    origin_timestamp: iso(origin.timestamp),
    failed_at: iso(letter.failedAt),
    first_failed_at: iso(letter.firstFailedAt),
    key: textOf(key),
    key_base64: base64Of(key),
    value: textOf(value),
    value_base64: base64Of(value),
    headers: headersAsJson(headers),
    decided_at: last ? iso(last.at) : null,
    decided_by: last?.by ?? null,
    decided_why: last?.why ?? null,
  }
  return `${JSON.stringify(row)}\n`
}

const iso = (time: number): string => new Date(time).toISOString()

const textOf = (bytes: Buffer | null): string | null => (bytes && isUtf8(bytes) ? bytes.toString() : null)
const base64Of = (bytes: Buffer | null): string | null => (bytes && !isUtf8(bytes) ? bytes.toString('base64') : null)

const valueText = (value: Buffer | null): string =>
  value && !isUtf8(value) ? `"valueBase64":"${value.toString('base64')}"` : `"value":${JSON.stringify(textOf(value))}`

const whole = () => z.int().min(0)
const header = z.tuple([z.string(), z.union([z.string(), z.strictObject({ base64: z.base64() })]).nullable()])
const entry = z.object({
  to: z.enum(dispositions),
  by: z.string(),
  why: z.string(),
  redrive: z.string().optional(),
  reopened: whole().optional(),
  hops: whole(),
  failedAt: z.number(),
  at: z.number(),
})
const line = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  disposition: z.enum(dispositions),
  history: z.array(entry),
  topic: z.string(),
  partition: whole(),
  timestamp: z.number(),
  key: z.string().nullable().optional(),
  keyBase64: z.base64().optional(),
  headers: z.array(header),
  value: z.string().nullable().optional(),
  valueBase64: z.base64().optional(),
})

const decision = z.strictObject({
  group: z.string(),
  topic: z.string(),
  to: z.union([z.enum(['muted', 'unmuted', 'split']), z.strictObject({ mergedInto: z.string() })]),
  by: z.string(),
  why: z.string(),
  at: z.number(),
})

/** Reads what `letterLine` or `decisionLine` wrote. @throws LineUnreadable */
export function readLine(text: string): ExportedLetter | Decision {
  const given = parsed(text)
  const decided = decision.safeParse(given)
  return decided.success ? decided.data : readLetterLine(given)
}

function readLetterLine(given: unknown): ExportedLetter {
  const { data, error } = line.safeParse(given)
  if (error) {
    const { path, message } = error.issues[0]!
    throw new LineUnreadable(`it is no exported letter: ${path.join('.') || 'the line'}: ${message}`)
  }
  const { id, disposition, history, topic, partition, timestamp } = data
  const headers = data.headers.map(([name, value]): Header => [name, asBytes(value)])
  return {
    ...{ id, disposition },
    record: {
      ...{ topic, partition, timestamp, headers },
      key: bytesOf('key', data.key, data.keyBase64),
      value: bytesOf('value', data.value, data.valueBase64),
    },
    history: history.map(({ redrive, reopened, ...own }) => ({
      ...{ letter: id, ...own },
      ...(redrive !== undefined && { redrive }),
      ...(reopened !== undefined && { reopened }),
    })),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new LineUnreadable(`it is not JSON: ${(thrown as Error).message}`)
  }
}

function bytesOf(name: string, text: string | null | undefined, base64: string | undefined): Buffer | null {
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  if (text === undefined) throw new LineUnreadable(`it is no exported letter: "${name}" is missing`)
  return asBytes(text)
}

const asBytes = (value: string | { readonly base64: string } | null): Buffer | null =>
  value === null ? null : typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64')
