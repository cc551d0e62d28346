import { createAPI, Writer, type Reader } from '@platformatic/kafka'

/** A batch of records for one partition, encoded. */
export interface ProducedBatch {
  readonly topic: string
  readonly partition: number
  /** How many records it has. */
  readonly count: number
  readonly bytes: Buffer
}

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  /** 0 when it was written. */
  readonly errorCode: number
  /** The offset of its first record; -1 when the broker does not say. */
  readonly baseOffset: number
  readonly message: string | null
  /** The records that are to blame, where the broker says so: by their places in the batch. */
  readonly blamed: readonly { readonly at: number; readonly message: string | null }[]
}

const allReplicas = -1

/** Produce, version 9: one batch a partition, answered a partition each, so that one that failed can be sent again alone. */
export const produce = createAPI<
  [transactionalId: string | null, timeout: number, batches: readonly ProducedBatch[]],
  ProducedPartition[]
>(
  0,
  9,
  (transactionalId, timeout, batches) =>
    Writer.create()
      .appendString(transactionalId)
      .appendInt16(allReplicas)
      .appendInt32(timeout)
      .appendArray([...byTopic<ProducedBatch>(batches)], (topics, [topic, partitions]) =>
        topics.appendString(topic).appendArray(partitions, (writer, { partition, bytes }) => {
          writer
            .appendInt32(partition)
            .appendUnsignedVarInt(bytes.length + 1)
            .append(bytes)
        }),
      )
      .appendTaggedFields(),
  (_correlation, _key, _version, reader) => {
    const topics = reader.readArray((topics) => {
      const topic = topics.readString()
      return topics.readArray((partitions) => ({ topic, ...readProduced(partitions) }))
    })
    return topics.flat()
  },
)

function readProduced(reader: Reader): Omit<ProducedPartition, 'topic'> {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  const baseOffset = Number(reader.readInt64())
  reader.readInt64()
  reader.readInt64()
  const blamed = reader.readArray((records) => ({ at: records.readInt32(), message: records.readNullableString() }))
  return { partition, errorCode, baseOffset, blamed, message: reader.readNullableString() }
}

export interface FetchedPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Which term of the partition's leader is asked; -1 when that is not known. */
  readonly leaderEpoch: number
}

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  /** 0 when it could be read. */
  readonly errorCode: number
  readonly highWatermark: number
  readonly logStart: number
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[]
  readonly bytes: Buffer
}

const readCommitted = 1

/**
 * Fetch, version 12, reading committed records only; the aborted ones come too, and are told. Without the leader's epoch
 * a node that has become a follower answers as well, and one that lags behind says that an offset is out of range.
 */
export const fetch = createAPI<
  [positions: readonly FetchedPosition[], limits: { maxWait: number; maxBytes: number; partitionBytes: number }],
  FetchedPartition[]
>(
  1,
  12,
  (positions, { maxWait, maxBytes, partitionBytes }) =>
    Writer.create()
      .appendInt32(-1)
      .appendInt32(maxWait)
      .appendInt32(1)
      .appendInt32(maxBytes)
      .appendInt8(readCommitted)
      .appendInt32(0)
      .appendInt32(-1)
      .appendArray([...byTopic<FetchedPosition>(positions)], (topics, [topic, partitions]) =>
        topics.appendString(topic).appendArray(partitions, (writer, { partition, offset, leaderEpoch }) => {
          writer
            .appendInt32(partition)
            .appendInt32(leaderEpoch)
            .appendInt64(BigInt(offset))
            .appendInt32(-1)
            .appendInt64(-1n)
            .appendInt32(partitionBytes)
        }),
      )
      .appendArray([], () => {})
      .appendString('')
      .appendTaggedFields(),
  (_correlation, _key, _version, reader) => {
    reader.readInt32()
    const errorCode = reader.readInt16()
    reader.readInt32()
    const topics = reader.readArray((topics) => {
      const topic = topics.readString()
      return topics.readArray((partitions) => ({ topic, ...readFetched(partitions, errorCode) }))
    })
    return topics.flat()
  },
)

function readFetched(reader: Reader, sessionError: number): Omit<FetchedPartition, 'topic'> {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  const highWatermark = Number(reader.readInt64())
  reader.readInt64()
  const logStart = Number(reader.readInt64())
  const aborted = reader.readNullableArray((entries) => ({
    producerId: entries.readInt64(),
    firstOffset: Number(entries.readInt64()),
  }))
  reader.readInt32()
  const bytes = reader.readNullableBytes()
  return {
    partition,
    errorCode: errorCode || sessionError,
    highWatermark,
    logStart,
    aborted: aborted ?? [],
    bytes: bytes ?? Buffer.alloc(0),
  }
}

function byTopic<T extends { readonly topic: string }>(items: readonly T[]): Map<string, T[]> {
  return Map.groupBy(items, ({ topic }) => topic)
}

export interface ClusterMetadata {
  /** The node to ask for changes of topics. */
  readonly controller: number
  readonly nodes: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  readonly topics: readonly TopicMetadata[]
}

export interface TopicMetadata {
  readonly errorCode: number
  readonly name: string
  /** Differs from that of a topic of the same name that was deleted before. */
  readonly id: string
  readonly internal: boolean
  /** In the order of their numbers. */
  readonly partitions: readonly {
    readonly partition: number
    /** The node, or -1 when there is none now. */
    readonly leader: number
    readonly leaderEpoch: number
    readonly replicas: readonly number[]
    /** Those that have all that was acknowledged. */
    readonly inSync: readonly number[]
  }[]
  /** What the principal may do with it, a bit for each of Kafka's operations; not asked for unless said. */
  readonly operations: number
}

const noTopicId = Buffer.alloc(16)

/** Metadata, version 12, of some topics or, for null, of all; topics are never created by it. */
export const metadata = createAPI<[topics: string[] | null, withOperations?: boolean], ClusterMetadata>(
  3,
  12,
  (topics: string[] | null, withOperations = false) =>
    Writer.create()
      .appendArray(topics, (writer, name) => writer.append(noTopicId).appendString(name))
      .appendBoolean(false)
      .appendBoolean(withOperations)
      .appendTaggedFields(),
  (_correlation, _key, _version, reader) => {
    reader.readInt32()
    const nodes = reader.readArray((entry) => {
      const node = { id: entry.readInt32(), host: entry.readString(), port: entry.readInt32() }
      entry.readNullableString()
      return node
    })
    reader.readNullableString()
    return { nodes, controller: reader.readInt32(), topics: reader.readArray(readTopicMetadata) }
  },
)

function readTopicMetadata(reader: Reader): TopicMetadata {
  const errorCode = reader.readInt16()
  const name = reader.readNullableString() ?? ''
  const id = reader.readUUID()
  const internal = reader.readBoolean()
  const partitions = reader.readArray((entry) => {
    entry.readInt16()
    const partition = { partition: entry.readInt32(), leader: entry.readInt32(), leaderEpoch: entry.readInt32() }
    const replicas = readNumbers(entry)
    const inSync = readNumbers(entry)
    readNumbers(entry)
    return { ...partition, replicas, inSync }
  })
  const operations = reader.readInt32()
  return {
    errorCode,
    name,
    id,
    internal,
    operations,
    partitions: partitions.toSorted((a, b) => a.partition - b.partition),
  }
}

const readNumbers = (reader: Reader): number[] => reader.readArray((entry) => entry.readInt32(), true, false)
