import { decodeValue, encodeValue } from '../component/value.ts'
import type { Format } from '../component/source.ts'
import type { SentBack } from '../deadletter/redriveRecord.ts'
import { RecordedFault, type Fault } from '../record/fault.ts'
import type { Header, OutputRecord, Record, StoredRecord } from '../record/record.ts'
import { decode, encode } from './encoded.ts'
import { Lineage } from './lineage.ts'
import type { PlannedSource } from './plan.ts'

/** The last header of a record of an internal topic: where it comes from. */
const originHeader = 'oxbow.origin'
/** Before it, where they differ: the external record's own bytes. */
const rawHeaders = { key: 'oxbow.raw.key', value: 'oxbow.raw.value', headers: 'oxbow.raw.headers' } as const

/** What the origin header says, as JSON. */
interface Said {
  readonly source: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
  /** The external record's timestamp. */
  readonly at: number
  readonly index: string
  /** How the value is to be read, where it is not the external record's. */
  readonly format?: Format
  /** How often it was sent back, if it was, and the letters that it was sent back for. */
  readonly hops?: number
  readonly redriven?: readonly SentBack[]
  /** How many headers were added. */
  readonly own: number
}

/**
 * A record on its way through an internal topic to the partition of its key, with the external record that it comes from.
 * @throws Error when its value cannot be written as JSON
 */
export function repartitioned(topic: string, record: Record): OutputRecord {
  const { key, value, headers, timestamp, index } = record
  const lineage = record.origin as Lineage
  const { raw, read } = lineage
  const isRead = read !== undefined && read.value === value
  const encoded = isRead ? raw.value : encodeValue(value)
  const redriven = lineage.handOn()
  const own: Header[] = []
  if (headers !== raw.headers) own.push([rawHeaders.headers, encode(raw.headers)])
  if (!isRead) own.push([rawHeaders.value, raw.value])
  if (!isSame(key, raw.key)) own.push([rawHeaders.key, raw.key])
  const said: Said = {
    source: lineage.source,
    topic: lineage.topic,
    partition: lineage.partition,
    offset: String(lineage.offset),
    at: lineage.timestamp,
    index,
    ...(!isRead && { format: value instanceof Uint8Array ? 'bytes' : 'json' }),
    ...(lineage.hops > 0 && { hops: lineage.hops }),
    ...(redriven.length > 0 && { redriven }),
    own: own.length + 1,
  }
  own.push([originHeader, Buffer.from(JSON.stringify(said))])
  return { topic, key, value: encoded, headers: [...headers, ...own], timestamp }
}

/** A record that came by an internal topic, as it was when it left, or the fault that says why it cannot be read. */
export type Arrived = { readonly lineage: Lineage } & ({ readonly record: Record } | { readonly fault: Fault })

/** Takes a record of an internal topic for what it was before. */
export function arrived(stored: StoredRecord, { name, origins }: PlannedSource): Arrived {
  const said = readOrigin(stored.headers)
  const origin = said && origins!.get(said.source)
  if (!origin)
    return { lineage: new Lineage(origins!.keys().next().value!, stored, stored, name), fault: noOrigin(name) }
  const { key, value, timestamp } = stored
  const own = new Map(stored.headers.slice(-said.own))
  const headers = stored.headers.slice(0, -said.own)
  const kept = own.get(rawHeaders.headers)
  const raw = {
    topic: said.topic,
    partition: said.partition,
    offset: BigInt(said.offset),
    timestamp: said.at,
    key: own.has(rawHeaders.key) ? own.get(rawHeaders.key)! : key,
    value: own.has(rawHeaders.value) ? own.get(rawHeaders.value)! : value,
    headers: kept ? decode<readonly Header[]>(kept) : headers,
  }
  const lineage = new Lineage(said.source, raw, stored, name)
  lineage.hops = said.hops ?? 0
  lineage.redriven.push(...(said.redriven ?? []))
  const decoded = decodeValue(value, said.format ?? origin.format)
  if ('fault' in decoded) return { lineage, fault: decoded.fault }
  if (said.format === undefined) lineage.read = { value: decoded.value, format: origin.format }
  return { lineage, record: { key, value: decoded.value, headers, timestamp, origin: lineage, index: said.index } }
}

/** Undefined for what this pipeline did not write: anybody may write to a topic. */
function readOrigin(headers: readonly Header[]): Said | undefined {
  const last = headers.at(-1)
  if (last?.[0] !== originHeader || last[1] === null) return undefined
  try {
    const said = JSON.parse(last[1].toString()) as Said
    return isOrigin(said, headers) ? said : undefined
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}

function isOrigin(said: Partial<Said> | null, headers: readonly Header[]): said is Said {
  const { source, topic, partition, offset, at, index, format, hops, redriven, own } = said ?? {}
  return (
    typeof source === 'string' &&
    typeof topic === 'string' &&
    Number.isInteger(partition) &&
    typeof offset === 'string' &&
    /^\d+$/.test(offset) &&
    Number.isInteger(at) &&
    typeof index === 'string' &&
    (format === undefined || format === 'json' || format === 'bytes') &&
    (hops === undefined || Number.isInteger(hops)) &&
    (redriven === undefined || Array.isArray(redriven)) &&
    Number.isInteger(own) &&
    own! >= 1 &&
    own! <= headers.length
  )
}

const isSame = (a: Buffer | null, b: Buffer | null): boolean => a === b || (a !== null && b !== null && a.equals(b))

const noOrigin = (topic: string): Fault =>
  new RecordedFault(
    'repartition.unreadable',
    `The record was not written to ${topic} by this pipeline: it does not say where it comes from.`,
  )
