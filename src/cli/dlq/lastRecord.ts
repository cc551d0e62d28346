import type { Broker, PartitionInfo, Position } from '../../broker/broker.ts'
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
    const last = await lastFrom(broker, { topic, partition, offset }, end, offset === start)
    if (last) return last
  }
  return undefined
}

/** The last record from an offset on: where records are large, one read may end before it. */
async function lastFrom(
  broker: Broker,
  from: Position,
  end: bigint,
  waits: boolean,
): Promise<StoredRecord | undefined> {
  let last: StoredRecord | undefined
  for (let { offset } = from; offset < end;) {
    const { records, next } = await broker.read({ ...from, offset }, Number(end - offset), { waits: waits && !last })
    last = records.at(-1) ?? last
    if (next <= offset) break
    offset = next
  }
  return last
}
