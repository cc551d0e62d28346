import type { Header, RawRecord, StoredRecord } from '../../record/record.ts'
import { SharedHeaders } from '../sharedHeaders.ts'
import { Reader } from './reader.ts'
import { varintSize, writeVarint } from '../varint.ts'

/**
 * Records of one partition as they lie in a row. Each is
 *   size | flags | timestamp, as distance from the batch's first | [key size, key] | [value size, value] | [headers]
 * where headers are a count and, for each, name size, name, value size + 1 (0 for null), value.
 */
export interface EncodedBatch {
  readonly count: number
  readonly firstTimestamp: number
  readonly maxTimestamp: number
  readonly bytes: Buffer
}

/** Where a stored batch begins. */
export interface BatchPlace {
  readonly topic: string
  readonly partition: number
  readonly baseOffset: number
  readonly firstTimestamp: number
}

/**
 * Decoded keys and values are views of their batch, so a record that is kept keeps the whole batch in memory: no more
 * than this, the same as what any small Buffer from Node's own pool keeps. Larger batches are not faster either.
 */
const maxBatchBytes = 65_536

const hasKey = 1
const hasValue = 2
const hasHeaders = 4
const isEarlier = 8

/** Records in their order, cut into batches of at most 64 KiB, each in memory of its own; a larger record is a batch too. */
export function* encodeBatches(records: readonly RawRecord[]): Generator<EncodedBatch> {
  for (let from = 0; from < records.length;) {
    const { timestamp: firstTimestamp } = records[from]!
    const sizes: number[] = []
    let total = 0
    for (let at = from; at < records.length; at++) {
      const size = bodySize(records[at]!, firstTimestamp)
      const framed = varintSize(size) + size
      if (at > from && total + framed > maxBatchBytes) break
      total += framed
      sizes.push(size)
    }

    const bytes = Buffer.allocUnsafeSlow(total)
    let position = 0
    let maxTimestamp = firstTimestamp
    for (const [at, size] of sizes.entries()) {
      const record = records[from + at]!
      if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
      position = writeVarint(bytes, position, size)
      position = writeBody(bytes, position, record, firstTimestamp)
    }
    yield { count: sizes.length, firstTimestamp, maxTimestamp, bytes }
    from += sizes.length
  }
}

/**
 * Up to `max` records of a batch after the first `skip`.
 * @throws BrokerError when the bytes are no batch
 */
export function decodeBatch(bytes: Buffer, place: BatchPlace, skip: number, max: number): StoredRecord[] {
  const { topic, partition, baseOffset, firstTimestamp } = place
  const reader = new Reader(bytes)
  const shared = new SharedHeaders(reader)
  const records: StoredRecord[] = []
  let remaining = bytes.length
  for (let index = 0; remaining > 0 && records.length < max; index++) {
    const size = reader.varint()
    remaining -= varintSize(size) + size
    if (index < skip) {
      reader.skip(size)
      continue
    }
    const flags = reader.byte()
    const distance = reader.varint()
    records.push({
      topic,
      partition,
      offset: BigInt(baseOffset + index),
      timestamp: flags & isEarlier ? firstTimestamp - distance : firstTimestamp + distance,
      key: flags & hasKey ? reader.slice(reader.varint()) : null,
      value: flags & hasValue ? reader.slice(reader.varint()) : null,
      headers: flags & hasHeaders ? shared.next(reader.varint()) : noHeaders,
    })
  }
  return records
}

const noHeaders: readonly Header[] = []

function bodySize({ key, value, headers, timestamp }: RawRecord, firstTimestamp: number): number {
  let size = 1 + varintSize(Math.abs(timestamp - firstTimestamp))
  if (key !== null) size += varintSize(key.length) + key.length
  if (value !== null) size += varintSize(value.length) + value.length
  if (headers.length === 0) return size

  size += varintSize(headers.length)
  for (const [name, content] of headers) {
    const nameSize = Buffer.byteLength(name)
    size += varintSize(nameSize) + nameSize
    size += content === null ? 1 : varintSize(content.length + 1) + content.length
  }
  return size
}

function writeBody(bytes: Buffer, position: number, record: RawRecord, firstTimestamp: number): number {
  const { key, value, headers, timestamp } = record
  let flags = 0
  if (key !== null) flags |= hasKey
  if (value !== null) flags |= hasValue
  if (headers.length > 0) flags |= hasHeaders
  if (timestamp < firstTimestamp) flags |= isEarlier
  bytes[position] = flags

  let at = writeVarint(bytes, position + 1, Math.abs(timestamp - firstTimestamp))
  if (key !== null) at = writeBytes(bytes, writeVarint(bytes, at, key.length), key)
  if (value !== null) at = writeBytes(bytes, writeVarint(bytes, at, value.length), value)
  if (headers.length === 0) return at

  at = writeVarint(bytes, at, headers.length)
  for (const [name, content] of headers) {
    at = writeVarint(bytes, at, Buffer.byteLength(name))
    at += bytes.write(name, at)
    at = writeVarint(bytes, at, content === null ? 0 : content.length + 1)
    if (content !== null) at = writeBytes(bytes, at, content)
  }
  return at
}

function writeBytes(bytes: Buffer, position: number, content: Uint8Array): number {
  bytes.set(content, position)
  return position + content.length
}
