import type { PackedRecords } from './packedRecords.ts'

/** Records for one partition, in their order. */
export interface PartitionRecords {
  readonly topic: string
  readonly partition: number
  readonly records: PackedRecords
}

/** What a broker takes in one batch unless a topic says otherwise is 1 MiB (message.max.bytes). */
const maxBatchBytes = 900_000
/** What a record takes in a batch beside its key, value and headers, at most. */
const recordOverhead = 20

/** Cuts records into what goes into one batch each; a larger record goes alone. */
export function chunksOf({ topic, partition, records }: PartitionRecords): PartitionRecords[] {
  const chunks: PartitionRecords[] = []
  let start = 0
  let size = 0
  for (let at = 0; at < records.length; at++) {
    const own = recordOverhead + records.sizeOf(at)
    if (at > start && size + own > maxBatchBytes) {
      chunks.push({ topic, partition, records: records.slice(start, at) })
      start = at
      size = 0
    }
    size += own
  }
  chunks.push({ topic, partition, records: start === 0 ? records : records.slice(start, records.length) })
  return chunks
}

/** Two chunks of one that has at least two records. */
export function halvesOf({ topic, partition, records }: PartitionRecords): [PartitionRecords, PartitionRecords] {
  const middle = Math.ceil(records.length / 2)
  return [
    { topic, partition, records: records.slice(0, middle) },
    { topic, partition, records: records.slice(middle, records.length) },
  ]
}
