import type { Broker, PartitionInfo, TopicInfo } from '../../broker/broker.ts'
import type { StoredRecord } from '../../record/record.ts'
import { tailOf } from '../plots/tail.ts'
import { Problem } from '../problem.ts'

/** Records of a page, at most as many bytes as these. */
const mostBytes = 4_194_304

export interface RecordQuery {
  readonly partition?: number | undefined
  /** The newest when absent. */
  readonly from?: number | undefined
  readonly limit: number
}

export interface RecordPage {
  readonly records: readonly StoredRecord[]
  /** Where the next page begins, by partition; absent where it was not asked from an offset on. */
  readonly next?: { readonly partition: number; readonly from: number }
}

/** Records of a topic: the newest ones, or those of a partition from an offset on. @throws Problem 404, 422 */
export async function recordsOf(
  broker: Pick<Broker, 'read'>,
  { name, partitions }: TopicInfo,
  { partition, from, limit }: RecordQuery,
): Promise<RecordPage> {
  const wanted = partition === undefined ? partitions : partitions.filter((each) => each.partition === partition)
  if (wanted.length === 0) throw new Problem(404, `${name} has no partition ${partition}, only ${partitions.length}.`)
  if (from === undefined) {
    const { records } = await tailOf(broker, name, wanted, { records: limit, bytes: mostBytes })
    return { records: records.toSorted(byTime).slice(-limit) }
  }
  if (wanted.length > 1)
    throw new Problem(422, `"from" is of one partition: say which, "partition" from 0 to ${partitions.length - 1}.`)
  const place = { topic: name, partition: wanted[0]!.partition }
  const { records, next } = await broker.read({ ...place, offset: BigInt(from) }, limit)
  return { records, next: { partition: place.partition, from: Number(next) } }
}

const byTime = (one: StoredRecord, other: StoredRecord): number =>
  one.timestamp - other.timestamp || Number(one.offset - other.offset)

/** How often it is looked for new records, in milliseconds. */
const lookEvery = 500
/** So many of one look are told. */
const mostAtOnce = 50

/** Records as they come, until the signal aborts: of many that come at once, the latest of each partition. */
export async function* liveRecords(
  broker: Pick<Broker, 'read' | 'topics'>,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<StoredRecord> {
  const places = new Map<number, bigint>()
  for (let first = true; !signal.aborted; first = false) {
    const [info] = await broker.topics([name])
    for (const { partition, start, end } of info?.partitions ?? []) {
      const seen = places.get(partition) ?? (first ? end : start)
      const news = await since(broker, name, { partition, start, end }, seen)
      yield* news.records
      places.set(partition, news.next)
    }
    await pause(lookEvery, signal)
  }
}

async function since(
  broker: Pick<Broker, 'read'>,
  topic: string,
  { partition, end }: PartitionInfo,
  seen: bigint,
): Promise<{ readonly records: readonly StoredRecord[]; readonly next: bigint }> {
  if (end <= seen) return { records: [], next: seen }
  const from = end - seen > BigInt(mostAtOnce) ? end - BigInt(mostAtOnce) : seen
  return broker.read({ topic, partition, offset: from }, mostAtOnce)
}

export const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
  })
