import type { Broker, PartitionInfo } from '../../broker/broker.ts'
import type { StoredRecord } from '../../record/record.ts'

/**
 * The last record of a partition. On Kafka the markers of transactions may stand behind it: it looks further and further back.
 * What is just being committed is waited for where there is nothing else.
 */
export async function lastRecordOf(
  broker: Broker,
  topic: string,
  { partition, start, end }: PartitionInfo,
): Promise<StoredRecord | undefined> {
  for (let back = 1n, offset = end; offset > start; back *= 2n) {
    offset = end - back > start ? end - back : start
    const { records } = await broker.read({ topic, partition, offset }, Number(back), { waits: offset === start })
    if (records.length > 0) return records.at(-1)
  }
  return undefined
}
