import type { Broker, PartitionInfo } from '../broker/broker.ts'
import type { StoredRecord } from '../record/record.ts'

const recordsPerRead = 1_000

/** A part of a partition, read bit by bit. */
interface Lane {
  readonly partition: number
  readonly end: bigint
  next: bigint
  records: readonly StoredRecord[]
  /** Which of them comes next. */
  at: number
}

/**
 * Reads partitions of a topic up to their ends as they are given, the oldest record first among those that come next, so
 * that each partition keeps its order. Gives them in chunks; memory holds one chunk a partition.
 * @param from the offset to start from, in each of them
 */
export async function* readMerged(
  broker: Pick<Broker, 'read'>,
  topic: string,
  partitions: readonly PartitionInfo[],
  from: bigint,
): AsyncGenerator<readonly StoredRecord[]> {
  const lanes = partitions.map(({ partition, start, end }): Lane => {
    return { partition, end, next: from > start ? from : start, records: [], at: 0 }
  })
  for (;;) {
    for (const lane of lanes) await fill(lane, broker, topic)
    const left = lanes.filter(({ records }) => records.length > 0)
    if (left.length === 0) return
    yield takeUntilOneIsEmpty(left)
  }
}

async function fill(lane: Lane, broker: Pick<Broker, 'read'>, topic: string): Promise<void> {
  if (lane.at < lane.records.length) return
  lane.at = 0
  lane.records = []
  if (lane.next >= lane.end) return
  const { records, next } = await broker.read({ topic, partition: lane.partition, offset: lane.next }, recordsPerRead)
  lane.records = records.filter(({ offset }) => offset < lane.end)
  lane.next = records.length > 0 ? next : lane.end
}

function takeUntilOneIsEmpty(lanes: readonly Lane[]): StoredRecord[] {
  const taken: StoredRecord[] = []
  for (;;) {
    let oldest = lanes[0]!
    for (const lane of lanes) if (head(lane).timestamp < head(oldest).timestamp) oldest = lane
    taken.push(head(oldest))
    if (++oldest.at === oldest.records.length) return taken
  }
}

const head = ({ records, at }: Lane): StoredRecord => records[at]!
