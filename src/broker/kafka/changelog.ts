import type { OutputRecord, StoredRecord } from '../../record/record.ts'
import { BrokerError, type StateChange, type StateReader, type TopicSpec, type Unit } from '../broker.ts'
import { openMemoryState } from '../embedded/memoryState.ts'
import { ProtocolError } from '@platformatic/kafka'
import { fetchFrom, recordsOf } from './reader.ts'
import type { Network } from './network.ts'
import { logOffsets } from './offsets.ts'

/** The compacted topic that keeps the state of a pipeline's tasks: partition p has what belongs to partition p of its sources. */
export const changelogOf = (group: string): string => `${group}-changelog`

/** More than an entry has beyond the record that it keeps, in bytes: its key, and what became of the record so far. */
const entryOverhead = 65_536

/** A changelog as a group needs it. @param sources what the group reads: a record that waits is kept as base64 */
export const changelogSpec = (group: string, partitions: number, sources: readonly string[]): TopicSpec => ({
  name: changelogOf(group),
  partitions,
  compacted: true,
  ...(sources.length > 0 && { roomFor: { topics: sources, factor: 2, extra: entryOverhead } }),
})

/** The partition of a task: its own number; what no task has, such as the cursor of a connector, goes with the first. */
export const partitionOfTask = (task: string): number => (/^\d+$/.test(task) ? Number(task) : 0)

const separator = '\0'
const limits = { maxWait: 500, maxBytes: 16_777_216, partitionBytes: 16_777_216 }

interface Copy {
  /** Up to where it has been read, or is known by having been written here. */
  position: number
  /** Whether it has been complete. */
  complete: boolean
  /** How often something may have come into the changelog that is not in the copy, and how many of these are settled. */
  doubts: number
  settled: number
}

/** Local copies of changelog partitions: complete while their partition is ours, and gone when it is not. */
export class Changelog {
  readonly #network: Network
  readonly #isRead: (group: string) => boolean
  readonly #state = openMemoryState()
  readonly #copies = new Map<string, Copy>()
  readonly #restoring = new Map<string, Promise<void>>()

  /** @param isRead whether a member of this process reads a group's topics: its changelog was made sure of then */
  constructor(network: Network, isRead: (group: string) => boolean) {
    this.#network = network
    this.#isRead = isRead
  }

  /** The state of a task, to be restored before. */
  reader(group: string, task: string): StateReader {
    return this.#state.reader(group, task)
  }

  /** Whether there is a copy of a partition. */
  has(group: string, partition: number): boolean {
    return this.#copies.get(nameOf(group, partition))?.complete ?? false
  }

  /** Whether the copy may lack something. */
  isStale(group: string, partition: number): boolean {
    const copy = this.#copies.get(nameOf(group, partition))
    return !copy || isStale(copy)
  }

  /** Makes the copy of a partition complete. @throws BrokerError when it cannot be, or the partition is lost meanwhile */
  restore(group: string, partition: number): Promise<void> {
    const name = nameOf(group, partition)
    if (!this.isStale(group, partition)) return Promise.resolve()
    const running = this.#restoring.get(name)
    if (running) return running
    const restoring = this.#restore(group, partition).finally(() => this.#restoring.delete(name))
    this.#restoring.set(name, restoring)
    return restoring
  }

  /** Nobody knows whether the last unit of the partition was committed, or others may have written since. */
  doubt(group: string, partition: number): void {
    const copy = this.#copies.get(nameOf(group, partition))
    if (copy) copy.doubts++
  }

  /** Another member may write the partition from now on. */
  forget(group: string, partition: number): void {
    if (this.#copies.delete(nameOf(group, partition))) this.#clear(group, partition)
  }

  /** A unit's changes as records of the changelog. */
  records({ group, task, state }: Unit, timestamp: number): OutputRecord[] {
    const topic = changelogOf(group)
    const partition = partitionOfTask(task)
    return state.map(({ store, key, value }) => ({
      topic,
      partition,
      key: Buffer.from([task, store, key].join(separator)),
      value,
      headers: [],
      timestamp,
    }))
  }

  /** The unit was committed. @param end the offset after its last record in the changelog, if that is known */
  apply({ group, task, state }: Unit, end: number | undefined): void {
    const copy = this.#copies.get(nameOf(group, partitionOfTask(task)))
    if (!copy?.complete) return
    this.#state.change(group, new Map([[task, state]]))
    if (end !== undefined && !isStale(copy)) copy.position = Math.max(copy.position, end)
  }

  close(): void {
    this.#state.close()
  }

  async #restore(group: string, partition: number): Promise<void> {
    const name = nameOf(group, partition)
    const place = { topic: changelogOf(group), partition }
    const copy = this.#copies.get(name) ?? { position: 0, complete: false, doubts: 1, settled: 0 }
    this.#copies.set(name, copy)
    const { doubts } = copy
    if (await this.#isThere(group, partition)) {
      const [end] = await logOffsets(this.#network, [place], 'latest')
      const [start] = await logOffsets(this.#network, [place], 'earliest')
      const found: StoredRecord[] = []
      let position = Math.max(copy.position, start!)
      while (position < end!) {
        const fetched = await this.#fetch(place.topic, partition, position)
        if (!copy.complete) this.#write(group, recordsOf(fetched))
        else found.push(...recordsOf(fetched))
        position = fetched.next
      }
      // Together, so that nobody sees what a later record replaces.
      this.#write(group, found)
      copy.position = position
    }
    if (this.#copies.get(name) !== copy) {
      this.#clear(group, partition)
      throw new BrokerError(`${place.topic}, partition ${partition}: it is another member’s by now.`)
    }
    copy.complete = true
    copy.settled = doubts
  }

  /** What was never written to has no changelog; what a member reads has one, even if a node does not know it yet. */
  async #isThere(group: string, partition: number): Promise<boolean> {
    const topic = changelogOf(group)
    const leaders = await this.#network.persist(`${topic} cannot be restored`, async () => {
      const known = await this.#network.leaders(topic)
      if (!known && this.#isRead(group)) throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION')
      return known
    })
    return leaders?.[partition] !== undefined
  }

  #clear(group: string, partition: number): void {
    this.#state.clear(group, (task) => partitionOfTask(task) === partition)
  }

  #fetch(topic: string, partition: number, offset: number) {
    return this.#network.persist(`${topic}, partition ${partition}, cannot be restored`, async () => {
      const leader = (await this.#network.leaders(topic))?.[partition]
      if (leader === undefined) throw new BrokerError(`${topic} has no partition ${partition} any more.`)
      return (await fetchFrom(this.#network, leader, [{ topic, partition, offset }], limits))[0]!
    })
  }

  #write(group: string, records: readonly StoredRecord[]): void {
    const changes = new Map<string, StateChange[]>()
    for (const { key, value } of records) {
      const [task, store, ...rest] = key!.toString().split(separator)
      const change = { store: store!, key: rest.join(separator), value }
      const own = changes.get(task!)
      if (own) own.push(change)
      else changes.set(task!, [change])
    }
    this.#state.change(group, changes)
  }
}

const isStale = ({ complete, doubts, settled }: Copy): boolean => !complete || doubts > settled

const nameOf = (group: string, partition: number): string => `${group}/${partition}`
