import { ProtocolError } from '@platformatic/kafka'
import type { StoredRecord } from '../../record/record.ts'
import { BrokerError } from '../broker.ts'
import { asBrokerError } from './failure.ts'
import type { Network } from './network.ts'
import { logOffsets } from './offsets.ts'
import { fetch, type FetchedPartition, type FetchedPosition } from './protocol.ts'
import { decodeBatches, type FoundRecord } from './recordBatch.ts'

/** What came from one partition. */
export interface Fetched {
  readonly topic: string
  readonly partition: number
  /** Its committed records, in batches that are decoded when they are wanted: until then they are a few bytes each. */
  readonly batches: readonly FetchedBatch[]
  /** The offset after the last record, marker, or aborted record that was read. */
  readonly next: number
  /** What the end of the partition is, transactions that are open included. */
  readonly highWatermark: number
  /** Bytes that it took. */
  readonly size: number
  /** The offset asked for is not in the log: retention deleted it, or the topic was made anew. It goes on at `next`. */
  readonly moved?: true
}

export interface FetchedBatch {
  /** How many records it has, or a few less: those before the offset asked for are left out. */
  readonly count: number
  /** Decoded one by one, as they are taken. */
  records(): Iterable<StoredRecord>
  /** Tells where keys and values lie. */
  locate(found: FoundRecord): void
}

/** All of what came, decoded. */
export const recordsOf = ({ batches }: Fetched): StoredRecord[] => batches.flatMap((batch) => [...batch.records()])

export interface FetchLimits {
  /** Milliseconds to wait for the first record. */
  readonly maxWait: number
  readonly maxBytes: number
  readonly partitionBytes: number
}

type Place = Omit<FetchedPosition, 'leaderEpoch'>

const outOfRange = 1

/** Why nothing came from one partition. */
interface Unreadable {
  readonly topic: string
  readonly partition: number
  readonly failure: BrokerError
}

/**
 * Reads committed records of partitions that one node leads. The aborted ones, which brokers send along, are left out.
 * @throws BrokerError for a partition that cannot be read
 */
export async function fetchFrom(
  network: Network,
  node: number,
  positions: readonly Place[],
  limits: FetchLimits,
): Promise<Fetched[]> {
  return (await fetchEach(network, node, positions, limits)).map((each) => {
    if ('failure' in each) throw each.failure
    return each
  })
}

/** The same, but a partition that cannot be read, or came damaged, does not keep the others from being read. */
export async function fetchEach(
  network: Network,
  node: number,
  positions: readonly Place[],
  limits: FetchLimits,
): Promise<(Fetched | Unreadable)[]> {
  const asking = positions.map((each) => ({ ...each, leaderEpoch: network.leaderEpoch(each) }))
  const answers = await located(network, await network.call(node, fetch, asking, limits))
  return answers.flatMap((answer) => {
    const asked = positions.find(({ topic, partition }) => topic === answer.topic && partition === answer.partition)
    return asked ? [committedIn(answer, asked)] : []
  })
}

/** With the start of their logs where offsets were out of range: brokers do not say it then. */
async function located(network: Network, answers: readonly FetchedPartition[]): Promise<readonly FetchedPartition[]> {
  const lost = answers.filter(({ errorCode, logStart }) => errorCode === outOfRange && logStart < 0)
  if (lost.length === 0) return answers
  const starts = await logOffsets(network, lost, 'earliest')
  return answers.map((answer) =>
    lost.includes(answer) ? { ...answer, logStart: starts[lost.indexOf(answer)]! } : answer,
  )
}

function committedIn(answer: FetchedPartition, { offset }: Place): Fetched | Unreadable {
  const { topic, partition, errorCode, highWatermark, logStart, bytes } = answer
  const place = { topic, partition, highWatermark, size: bytes.length }
  if (errorCode === outOfRange) {
    return { ...place, batches: [], next: logStart, moved: true }
  }
  if (errorCode !== 0) {
    const what = `${topic}, partition ${partition}, cannot be read`
    return { topic, partition, failure: asBrokerError(new ProtocolError(errorCode), what) }
  }
  try {
    return { ...place, ...committedBatches(answer, offset) }
  } catch (thrown) {
    const message = `${topic}, partition ${partition}, cannot be read from ${offset} on: ${(thrown as Error).message}`
    return { topic, partition, failure: new BrokerError(message, { cause: thrown }) }
  }
}

/** The committed batches up to the first that is damaged. @throws when that is the very first */
function committedBatches({ topic, partition, bytes, ...answer }: FetchedPartition, offset: number) {
  const aborted = answer.aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<bigint>()
  const batches: FetchedBatch[] = []
  let next = offset
  try {
    for (const batch of decodeBatches(bytes)) {
      while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset) open.add(aborted.shift()!.producerId)
      if (batch.marker === 'abort') open.delete(batch.producerId)
      else if (!batch.marker && !(batch.transactional && open.has(batch.producerId))) {
        const records = () => batch.records(offset, topic, partition)
        batches.push({ count: batch.count, records, locate: (found) => batch.locate(offset, found) })
      }
      next = Math.max(next, batch.lastOffset + 1)
    }
  } catch (thrown) {
    if (next === offset) throw thrown
  }
  return { batches, next }
}
