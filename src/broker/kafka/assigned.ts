import type { StoredRecord } from '../../record/record.ts'
import type { Batch, TopicPartition } from '../broker.ts'
import type { Fetched, FetchedBatch } from './reader.ts'

/** Stands for a position that is to be looked up. */
export const unknown = -1

/** The longest time that a partition is left alone after it could not be read, in milliseconds. */
const longestHold = 16_000

/** A partition of a member: what was fetched of it, and how much of that was given out. */
export class AssignedPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Fetched, and not decoded yet. */
  #batches: FetchedBatch[] = []
  /** What is left of the batch that is being given, about so many records: each is decoded when it is given. */
  #records: Iterator<StoredRecord> | undefined
  #left = 0
  #position: number
  #fetchFrom: number
  #epoch = 0
  /** Nothing of it is given out. */
  paused = false
  #topicId: string | undefined
  #failures = 0
  #heldUntil = 0
  /** What waits to be fetched is no records, as far as is known. */
  #damaged = false
  /** Offsets right before the next fetch that are not in the log any more, and were not given. */
  #expired = 0

  /** @param start where its log begins now */
  constructor({ topic, partition }: TopicPartition, committed: number | undefined, start: number) {
    this.topic = topic
    this.partition = partition
    this.#position = this.#fetchFrom = committed ?? start
    this.#pass(start)
  }

  /** Where the next record to give begins. */
  get position(): number {
    return this.#position
  }

  /** Where the next fetch begins. */
  get fetchFrom(): number {
    return this.#fetchFrom
  }

  /** Changes with every jump: what was asked for before it is not wanted any more. */
  get epoch(): number {
    return this.#epoch
  }

  /** About how many records wait to be given. */
  get waiting(): number {
    return this.#batches.reduce((sum, { count }) => sum + count, this.#left)
  }

  /** Whether there is something to give: records, or a position after what nobody is given. */
  get ready(): boolean {
    return !this.paused && this.#position < this.#fetchFrom
  }

  /** Keeps what was fetched from an offset, unless another node has answered before. */
  keep({ batches, next, moved }: Fetched, offset: number): void {
    if (offset !== this.#fetchFrom) return
    if (moved && next < offset) return this.jump(next) // It was cut, or made again.
    if (moved) return this.#pass(next)
    if (next === offset) return
    this.#batches.push(...batches)
    this.#fetchFrom = next
  }

  /**
   * Up to so many records, to be called when it is ready; those before bytes that are no records, which are fetched anew.
   * @throws what says why the next bytes are none
   */
  take(maxRecords: number): Batch {
    const { topic, partition } = this
    const records: StoredRecord[] = []
    try {
      while (records.length < maxRecords) {
        const record = this.#next()
        if (!record) break
        records.push(record)
      }
    } catch (thrown) {
      const last = records.at(-1)
      this.jump(last ? Number(last.offset) + 1 : this.#position)
      this.#damaged = true
      if (!last) throw thrown
      return { topic, partition, records, next: BigInt(this.#position) }
    }
    this.#damaged = false
    const last = records.at(-1)
    const isLast = last !== undefined && Number(last.offset) + 1 === this.#fetchFrom
    if (isLast) this.#drop()
    const isAll = isLast || this.waiting === 0
    this.#position = isAll ? this.#fetchFrom : Number(last!.offset) + 1
    const batch = { topic, partition, records, next: BigInt(this.#position) }
    if (!isAll || this.#expired === 0) return batch
    const expired = this.#expired
    this.#expired = 0
    return { ...batch, expired }
  }

  /** The log begins at an offset now: what comes before it was deleted. */
  #pass(start: number): void {
    if (start <= this.#fetchFrom) return
    this.#expired += start - this.#fetchFrom
    this.#fetchFrom = start
  }

  /** The next record to give; undefined when nothing waits. */
  #next(): StoredRecord | undefined {
    for (;;) {
      const next = this.#records?.next()
      if (next && !next.done) {
        this.#left--
        return next.value
      }
      const batch = this.#batches.shift()
      this.#left = batch?.count ?? 0
      this.#records = batch?.records()[Symbol.iterator]()
      if (!batch) return undefined
    }
  }

  /** Says which topic it belongs to now: one that was deleted and made again is read from its start. */
  belongTo(topicId: string | undefined): void {
    if (this.#topicId !== undefined && topicId !== undefined && this.#topicId !== topicId) this.jump(0)
    this.#topicId = topicId ?? this.#topicId
  }

  /** It could not be read. @returns how long it is left alone, in milliseconds */
  hold(now: number): number {
    const pause = Math.min(1_000 * 2 ** this.#failures++, longestHold)
    this.#heldUntil = now + pause
    return pause
  }

  isHeld(now: number): boolean {
    return now < this.#heldUntil
  }

  /** It could be fetched. @returns whether it could not be read before, and can be now */
  recover(): boolean {
    if (this.#damaged) return false
    const recovered = this.#failures > 0
    this.#failures = 0
    return recovered
  }

  /** Goes on where its group committed last, in a log that begins at an offset now. */
  goOn(committed: number | undefined, start: number): void {
    this.jump(committed ?? start)
    this.#pass(start)
  }

  /** Goes on elsewhere. */
  jump(position: number): void {
    this.#position = this.#fetchFrom = position
    this.#expired = 0
    this.#drop()
    this.#damaged = false
    this.#epoch++
  }

  /** Nothing waits: batches may count records that are not given. */
  #drop(): void {
    this.#batches = []
    this.#records = undefined
    this.#left = 0
  }
}
