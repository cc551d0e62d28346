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
/** So many bytes are left at most, of all partitions together; the less room there is, the less is fetched, down to so many. */
const [mostLeft, fewestBytes] = [16_777_216, 1_048_576]
/** A broker waits so long for what is just being committed, in milliseconds. */
const maxWait = 100

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

/** Reads partitions by position. What came with the records that were wanted is kept for a moment: most read on from there. */
export class RecordReader {
  readonly #network: Network
  /** What is left of partitions, the longest left first. */
  readonly #rests = new Map<string, Rest>()

  constructor(network: Network) {
    this.#network = network
  }

  /** What is committed and next; it waits a while for what is just being committed, unless it is told not to. */
  async read(from: Position, maxRecords: number, { waits } = { waits: true }): Promise<Batch> {
    await this.#check(from)
    const kept = this.#keptFrom(from)
    const records = kept ? take(kept, maxRecords) : []
    if (kept && records.length > 0) return this.#given(records, kept, maxRecords)
    const deadline = Date.now() + patience
    for (let [offset, size, wait] = [from.offset, 0, 0]; ;) {
      const rest = await this.#fetch({ ...from, offset }, maxRecords, wait)
      const stands = rest.end === Number(offset)
      const news = take(rest, maxRecords - records.length)
      for (const record of news) records.push(record)
      offset = rest.next
      size += rest.size
      const isEnough = records.length >= maxRecords || (records.length > 0 && size >= mostBytes)
      const isAll = offset >= rest.highWatermark || (stands && !waits) || Date.now() > deadline
      if (isEnough || (isAll && !rest.moved)) return this.#given(records, rest, maxRecords)
      // What comes next is being committed.
      wait = stands ? maxWait : 0
      if (stands) await setTimeout(5)
    }
  }

  /** Records were deleted: what was kept may be among them. */
  forget(): void {
    this.#rests.clear()
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
  #keptFrom(from: Position): Rest | undefined {
    for (const [place, { fetchedAt }] of this.#rests) if (Date.now() - fetchedAt >= restAge) this.#rests.delete(place)
    const rest = this.#rests.get(nameOf(from))
    if (rest?.next !== from.offset) return undefined
    this.#rests.delete(nameOf(from))
    return rest.topicId === this.#network.topicId(from.topic) ? rest : undefined
  }

  #given(records: StoredRecord[], rest: Rest, maxRecords: number): Batch {
    const { topic, partition, next } = rest
    if (!isUsedUp(rest) && maxRecords >= readsOn) this.#keep(rest)
    return { topic, partition, records, next }
  }

  #keep(rest: Rest): void {
    this.#rests.delete(nameOf(rest))
    this.#rests.set(nameOf(rest), rest)
    for (const longest of this.#rests.keys()) {
      if (this.#left() <= mostLeft) return
      this.#rests.delete(longest)
    }
  }

  /** Bytes that are kept. */
  #left(): number {
    return this.#rests.values().reduce((sum, { size }) => sum + size, 0)
  }

  async #fetch({ topic, partition, offset }: Position, maxRecords: number, maxWait: number): Promise<Rest> {
    const room = Math.max(fewestBytes, (mostLeft - this.#left()) / 2)
    const bytes = Math.floor(Math.min(mostBytes, room, maxRecords * bytesPerRecord))
    const fetched = await this.#network.persist(`${topic} cannot be read`, async () => {
      const leader = (await this.#network.leaders(topic))![partition]!
      const limits = { maxWait, maxBytes: bytes, partitionBytes: bytes }
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

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

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
