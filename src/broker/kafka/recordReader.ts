import { setTimeout } from 'node:timers/promises'
import type { StoredRecord } from '../../record/record.ts'
import { BrokerError, type Batch, type Position, type TopicPartition } from '../broker.ts'
import type { Network } from './network.ts'
import { fetchFrom, type FetchedBatch } from './reader.ts'

/** How long reading waits for a transaction that is being committed, in milliseconds. */
const patience = 2_000
/** One read ends at about so many bytes, whatever the number of records, so that large records do not fill the memory. */
const mostBytes = 8_388_608
/** So many are fetched for a record, at most: who wants one is not sent what follows. */
const bytesPerRecord = 65_536
/** Who reads so many at once is taken to read on. */
const readsOn = mostBytes / bytesPerRecord
/** What is left of a fetch is as good as read anew for so long, in milliseconds: records may be deleted meanwhile. */
const restAge = 1_000

/** What came from a partition, and was not given yet. */
interface Rest extends TopicPartition {
  readonly topicId: string | undefined
  readonly fetchedAt: number
  /** Bytes that it took. */
  readonly size: number
  /** The offset that it goes on at. */
  next: bigint
  /** The offset after all that came. */
  readonly end: number
  readonly highWatermark: number
  readonly moved: boolean
  records: readonly StoredRecord[]
  readonly batches: FetchedBatch[]
}

/**
 * Reads partitions by position. What came with the records that were wanted is kept, until somebody reads elsewhere: most read on
 * from there, a few records at a time.
 */
export class RecordReader {
  readonly #network: Network
  #rest: Rest | undefined

  constructor(network: Network) {
    this.#network = network
  }

  /** What is committed and next; it waits a while for what is just being committed. */
  async read(from: Position, maxRecords: number): Promise<Batch> {
    await this.#check(from)
    const kept = this.#keptFrom(from)
    const records = kept ? take(kept, maxRecords) : []
    if (kept && records.length > 0) return this.#given(records, kept, maxRecords)
    const deadline = Date.now() + patience
    for (let [offset, size] = [from.offset, 0]; ;) {
      const rest = await this.#fetch({ ...from, offset }, maxRecords)
      const news = take(rest, maxRecords - records.length)
      for (const record of news) records.push(record)
      offset = rest.next
      size += rest.size
      const isEnough = records.length >= maxRecords || (records.length > 0 && size >= mostBytes)
      const isEnd = !rest.moved && (offset >= rest.highWatermark || Date.now() > deadline)
      if (isEnough || isEnd) return this.#given(records, rest, maxRecords)
      // What comes next is being committed.
      if (news.length === 0 && !rest.moved) await setTimeout(5)
    }
  }

  /** Records were deleted: what was kept may be among them. */
  forget(): void {
    this.#rest = undefined
  }

  /** @throws BrokerError for a partition that there is not */
  async #check({ topic, partition }: TopicPartition): Promise<void> {
    const leaders = await this.#network.persist(`${topic} cannot be read`, async () => this.#network.leaders(topic))
    if (!leaders) throw new BrokerError(`There is no topic ${topic}.`)
    if (partition < leaders.length) return
    throw new BrokerError(
      `There is no partition ${partition} of ${topic}, which has ${leaders.length}, counted from 0.`,
    )
  }

  /** What was kept, if it goes on there; it is kept no longer. */
  #keptFrom({ topic, partition, offset }: Position): Rest | undefined {
    const rest = this.#rest
    const isNext = rest?.topic === topic && rest.partition === partition && rest.next === offset
    if (!isNext) return undefined
    this.#rest = undefined
    const isFresh = Date.now() - rest.fetchedAt < restAge && rest.topicId === this.#network.topicId(topic)
    return isFresh ? rest : undefined
  }

  #given(records: StoredRecord[], rest: Rest, maxRecords: number): Batch {
    const { topic, partition, next } = rest
    if (!isUsedUp(rest) && maxRecords >= readsOn) this.#rest = rest
    return { topic, partition, records, next }
  }

  async #fetch({ topic, partition, offset }: Position, maxRecords: number): Promise<Rest> {
    const bytes = Math.min(mostBytes, maxRecords * bytesPerRecord)
    const fetched = await this.#network.persist(`${topic} cannot be read`, async () => {
      const leader = (await this.#network.leaders(topic))![partition]!
      const limits = { maxWait: 100, maxBytes: bytes, partitionBytes: bytes }
      return (await fetchFrom(this.#network, leader, [{ topic, partition, offset: Number(offset) }], limits))[0]!
    })
    const topicId = this.#network.topicId(topic)
    const { batches, moved = false, next } = fetched
    return {
      ...fetched,
      moved,
      topicId,
      fetchedAt: Date.now(),
      next: BigInt(next),
      end: next,
      records: [],
      batches: [...batches],
    }
  }
}

const isUsedUp = ({ records, batches }: Rest): boolean => records.length === 0 && batches.length === 0

/** Takes records up to so many, decoding no more batches than that needs. */
function take(rest: Rest, maxRecords: number): StoredRecord[] {
  const records: StoredRecord[] = []
  while (records.length < maxRecords && !isUsedUp(rest)) {
    if (rest.records.length === 0) rest.records = [...rest.batches.shift()!.records()]
    const wanted = maxRecords - records.length
    for (const record of rest.records.slice(0, wanted)) records.push(record)
    rest.records = rest.records.slice(wanted)
  }
  rest.next = isUsedUp(rest) ? BigInt(rest.end) : records.at(-1)!.offset + 1n
  return records
}
