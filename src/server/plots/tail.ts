import type { Broker, PartitionInfo } from '../../broker/broker.ts'
import type { StoredRecord } from '../../record/record.ts'

/** What is read of a topic at most, from its end. */
export interface Bounds {
  readonly records: number
  /** Of keys and values. */
  readonly bytes: number
}

/** The newest records of a topic. */
export interface Tail {
  /** Of each partition in order. */
  readonly records: readonly StoredRecord[]
  /** Whether there are older ones. */
  readonly cut: boolean
}

/** How many are read first, before it is known how large they are, and at most at once. */
const chunk = { first: 16, most: 500 }

/** Reads a topic from its end: partitions share the bounds, and each gives at least one read of its newest records. */
export async function tailOf(
  broker: Pick<Broker, 'read'>,
  topic: string,
  partitions: readonly PartitionInfo[],
  bounds: Bounds,
): Promise<Tail> {
  const filled = partitions.filter(({ start, end }) => end > start)
  const each = {
    records: Math.max(1, Math.floor(bounds.records / filled.length)),
    bytes: Math.floor(bounds.bytes / filled.length),
  }
  const records: StoredRecord[] = []
  let cut = false
  for (const partition of filled) {
    const tail = await tailOfPartition(broker, topic, partition, each)
    records.push(...tail.records)
    cut ||= tail.cut
  }
  return { records, cut }
}

/** Goes back from the end bit by bit, for nobody knows how large records are before they are read. */
async function tailOfPartition(
  broker: Pick<Broker, 'read'>,
  topic: string,
  { partition, start, end }: PartitionInfo,
  bounds: Bounds,
): Promise<Tail> {
  const chunks: (readonly StoredRecord[])[] = []
  let count = 0
  let bytes = 0
  let from = end
  let size = Math.min(chunk.first, bounds.records)
  while (from > start && count < bounds.records && bytes < bounds.bytes) {
    const to = from
    from = to - BigInt(size) > start ? to - BigInt(size) : start
    const records = await readBetween(broker, { topic, partition }, from, to)
    chunks.unshift(records)
    count += records.length
    bytes += records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
    const fitting = Math.floor((bounds.bytes - bytes) / Math.max(1, bytes / Math.max(1, count)))
    size = Math.max(1, Math.min(chunk.most, fitting, bounds.records - count))
  }
  return { records: chunks.flat(), cut: from > start }
}

/** The records of these offsets that there are: on Kafka some are markers, or gone. */
async function readBetween(
  broker: Pick<Broker, 'read'>,
  place: { readonly topic: string; readonly partition: number },
  from: bigint,
  to: bigint,
): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = []
  for (let at = from; at < to;) {
    const batch = await broker.read({ ...place, offset: at }, Number(to - at), { waits: false })
    records.push(...batch.records.filter(({ offset }) => offset < to))
    if (batch.next <= at) break // What follows is not committed yet.
    at = batch.next
  }
  return records
}
