import { crc32c } from '@platformatic/kafka'
import type { Header, StoredRecord } from '../../record/record.ts'
import { BrokerError } from '../broker.ts'
import { SharedHeaders } from '../sharedHeaders.ts'
import { varintSize, writeVarint } from '../varint.ts'
import { compress, decompress, type Compression } from './compression.ts'
import { Cursor } from './cursor.ts'
import type { PackedRecords } from './packedRecords.ts'
import { varlongSize, writeVarlong, zigzag } from './varint.ts'

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

/** Records of one partition as one batch. There must be at least one. */
export function encodeBatch(records: PackedRecords, producer: BatchProducer, compression: Compression): Buffer {
  const base = records.timestampAt(0)
  let last = base
  let size = headSize
  const sizes = new Array<number>(records.length)
  for (let at = 0; at < records.length; at++) {
    const timestamp = records.timestampAt(at)
    if (timestamp > last) last = timestamp
    const body = 1 + varlongSize(timestamp - base) + varintSize(zigzag(at)) + records.sizeOf(at)
    sizes[at] = body
    size += varintSize(zigzag(body)) + body
  }
  let bytes = Buffer.allocUnsafeSlow(size)
  let position = headSize
  for (let at = 0; at < records.length; at++) {
    position = writeVarint(bytes, position, zigzag(sizes[at]!))
    bytes[position++] = 0
    position = writeVarlong(bytes, position, records.timestampAt(at) - base)
    position = writeVarint(bytes, position, zigzag(at))
    position = records.copy(at, bytes, position)
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
