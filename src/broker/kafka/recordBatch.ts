import { crc32c } from '@platformatic/kafka'
import type { Header, RawRecord, StoredRecord } from '../../record/record.ts'
import { BrokerError } from '../broker.ts'
import { SharedHeaders } from '../sharedHeaders.ts'
import { compress, decompress, type Compression } from './compression.ts'
import { Cursor } from './cursor.ts'

/** Who produces a batch, as the broker knows it. */
export interface BatchProducer {
  readonly producerId: bigint
  readonly epoch: number
  /** The number of the batch's first record in its partition. */
  readonly sequence: number
  readonly transactional: boolean
}

/** A batch of one partition, as it came from a broker. */
export interface DecodedBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly count: number
  readonly producerId: bigint
  readonly transactional: boolean
  /** Set for the marker that ends a transaction; it has no records. */
  readonly marker?: 'commit' | 'abort'
  /** Decodes the records from an offset on, one by one; the batch does not know its own topic and partition. */
  records(from: number, topic: string, partition: number): Iterable<StoredRecord>
  /** Tells where the keys and values of the records from an offset on lie, and nothing else of them. */
  locate(from: number, found: FoundRecord): void
}

/** Where a key and a value lie in what they came with; -1 for the ends of what is null. */
export type FoundRecord = (bytes: Buffer, key: number, keyEnd: number, value: number, valueEnd: number) => void

/** Bytes before the records: see "Record Batch" in Kafka's protocol documentation, magic 2. */
const headSize = 61
/** Where the part begins that the checksum covers. */
const checkedFrom = 21
const compressionMask = 7
const logAppendTime = 8
const transactionalBit = 16
const controlBit = 32

/** About how many bytes a record takes in a batch, and never fewer. */
export function sizeOf({ key, value, headers }: RawRecord): number {
  let size = 24 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, content] of headers) size += 10 + 3 * name.length + (content?.length ?? 0)
  return size
}

/** Records of one partition as one batch. There must be at least one. */
export function encodeBatch(records: readonly RawRecord[], producer: BatchProducer, compression: Compression): Buffer {
  const base = records[0]!.timestamp
  let last = base
  let size = headSize
  const sizes = new Array<number>(records.length)
  for (let at = 0; at < records.length; at++) {
    const record = records[at]!
    if (record.timestamp > last) last = record.timestamp
    const body = bodySize(record, at, base)
    sizes[at] = body
    size += varintSize(zigzag(body)) + body
  }
  let bytes = Buffer.allocUnsafe(size)
  let position = headSize
  for (let at = 0; at < records.length; at++) {
    position = writeVarint(bytes, position, zigzag(sizes[at]!))
    position = writeBody(bytes, position, records[at]!, at, base)
  }
  let attributes = producer.transactional ? transactionalBit : 0
  if (compression !== 'none') {
    const packed = compress(compression, bytes.subarray(headSize))
    attributes |= packed.bits
    bytes = Buffer.concat([bytes.subarray(0, headSize), packed.bytes])
  }
  bytes.writeBigInt64BE(0n, 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt32BE(-1, 12)
  bytes[16] = 2
  bytes.writeInt16BE(attributes, 21)
  bytes.writeInt32BE(records.length - 1, 23)
  bytes.writeBigInt64BE(BigInt(base), 27)
  bytes.writeBigInt64BE(BigInt(last), 35)
  bytes.writeBigInt64BE(producer.producerId, 43)
  bytes.writeInt16BE(producer.epoch, 51)
  bytes.writeInt32BE(producer.sequence, 53)
  bytes.writeInt32BE(records.length, 57)
  bytes.writeUInt32BE(crc32c(bytes.subarray(checkedFrom)) >>> 0, 17)
  return bytes
}

/** The whole batches in what a broker sent; it may cut the last one short. @throws BrokerError for bytes that are none */
export function* decodeBatches(bytes: Buffer): Generator<DecodedBatch> {
  for (let start = 0; start + headSize <= bytes.length;) {
    const end = start + 12 + bytes.readInt32BE(start + 8)
    if (end > bytes.length) return
    yield decodeBatch(bytes.subarray(start, end))
    start = end
  }
}

function decodeBatch(bytes: Buffer): DecodedBatch {
  const magic = bytes[16]
  if (magic !== 2)
    throw new BrokerError(`A batch has the format ${magic}: Oxbow reads 2, which Kafka has had since 0.11.`)
  if (crc32c(bytes.subarray(checkedFrom)) >>> 0 !== bytes.readUInt32BE(17)) {
    throw new BrokerError('A batch came with a wrong checksum: it was damaged on its way or on the disk of the broker.')
  }
  const attributes = bytes.readInt16BE(21)
  const firstOffset = Number(bytes.readBigInt64BE(0))
  const control = (attributes & controlBit) !== 0
  return {
    firstOffset,
    lastOffset: firstOffset + bytes.readInt32BE(23),
    count: bytes.readInt32BE(57),
    producerId: bytes.readBigInt64BE(43),
    transactional: (attributes & transactionalBit) !== 0,
    ...(control && { marker: markerOf(bytes) }),
    records: (from, topic, partition) =>
      control ? [] : decodeRecords(bytes, attributes, { topic, partition, firstOffset, from }),
    locate: (from, found) => {
      if (!control) locateRecords(bytes, attributes, from - firstOffset, found)
    },
  }
}

/** The key of a marker's only record: version and type, two bytes each. */
function markerOf(bytes: Buffer): 'commit' | 'abort' {
  const cursor = new Cursor(bytes, headSize)
  cursor.varint()
  cursor.position++
  cursor.varint()
  cursor.varint()
  const key = cursor.content()
  return key?.readInt16BE(2) === 0 ? 'abort' : 'commit'
}

interface Place {
  readonly topic: string
  readonly partition: number
  readonly firstOffset: number
  readonly from: number
}

function* decodeRecords(
  batch: Buffer,
  attributes: number,
  { topic, partition, firstOffset, from }: Place,
): Generator<StoredRecord> {
  const count = batch.readInt32BE(57)
  const baseTimestamp = Number(batch.readBigInt64BE(27))
  const appended = attributes & logAppendTime ? Number(batch.readBigInt64BE(35)) : undefined
  const cursor = recordsOf(batch, attributes)
  const shared = new SharedHeaders(cursor)
  for (let at = 0; at < count; at++) {
    const end = cursor.varint() + cursor.position
    cursor.position++
    const timestamp = appended ?? baseTimestamp + cursor.varlong()
    if (appended !== undefined) cursor.varlong()
    const offset = firstOffset + cursor.varint()
    if (offset >= from) {
      const key = cursor.content()
      const value = cursor.content()
      const count = cursor.varint()
      const headers = count > 0 ? shared.next(count) : noHeaders
      yield { topic, partition, offset: BigInt(offset), timestamp, key, value, headers }
    }
    cursor.position = end
  }
}

const noHeaders: readonly Header[] = []

function locateRecords(batch: Buffer, attributes: number, from: number, found: FoundRecord): void {
  const cursor = recordsOf(batch, attributes)
  for (let left = batch.readInt32BE(57); left > 0; left--) {
    const end = cursor.varint() + cursor.position
    cursor.position++
    cursor.varlong()
    if (cursor.varint() >= from) {
      const keyEnd = cursor.contentEnd()
      const key = cursor.position
      if (keyEnd >= 0) cursor.position = keyEnd
      const valueEnd = cursor.contentEnd()
      found(cursor.bytes, key, keyEnd, cursor.position, valueEnd)
    }
    cursor.position = end
  }
}

/** At the first record of a batch. */
function recordsOf(batch: Buffer, attributes: number): Cursor {
  const packed = attributes & compressionMask
  return packed ? new Cursor(decompress(packed, batch.subarray(headSize)), 0) : new Cursor(batch, headSize)
}

const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1)

function bodySize({ key, value, headers, timestamp }: RawRecord, at: number, base: number): number {
  let size = 1 + varintSize(zigzag(timestamp - base)) + varintSize(zigzag(at))
  size += bytesSize(key) + bytesSize(value) + varintSize(zigzag(headers.length))
  for (const [name, content] of headers) {
    const length = Buffer.byteLength(name)
    size += varintSize(zigzag(length)) + length + bytesSize(content)
  }
  return size
}

const bytesSize = (bytes: Uint8Array | null): number =>
  bytes === null ? 1 : varintSize(zigzag(bytes.length)) + bytes.length

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

function writeBody(
  to: Buffer,
  start: number,
  { key, value, headers, timestamp }: RawRecord,
  at: number,
  base: number,
): number {
  to[start] = 0
  let position = writeVarint(to, start + 1, zigzag(timestamp - base))
  position = writeVarint(to, position, zigzag(at))
  position = writeBytes(to, position, key)
  position = writeBytes(to, position, value)
  position = writeVarint(to, position, zigzag(headers.length))
  for (const [name, content] of headers) {
    position = writeVarint(to, position, zigzag(Buffer.byteLength(name)))
    position += to.write(name, position)
    position = writeBytes(to, position, content)
  }
  return position
}

function writeBytes(to: Buffer, start: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(to, start, 1)
  const position = writeVarint(to, start, zigzag(bytes.length))
  to.set(bytes, position)
  return position + bytes.length
}

/** An unsigned number, seven bits a byte. */
function writeVarint(to: Buffer, start: number, value: number): number {
  let position = start
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) to[position++] = (rest % 128) | 0x80
  to[position++] = rest
  return position
}
