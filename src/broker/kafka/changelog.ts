import { setImmediate } from 'node:timers/promises'
import type { StoredRecord } from '../../record/record.ts'
import { BrokerError, type TopicPartition, type TopicSpec } from '../broker.ts'
import type { CopyOf, StateCopy } from '../embedded/stateCopy.ts'
import type { Changes } from '../embedded/unwritten.ts'
import { changesIn } from './changeRecord.ts'
import type { Copies, Notes } from './copies.ts'
import type { Network } from './network.ts'
import { originalOf, type Original } from './original.ts'
import { Progress } from './progress.ts'
import { fetchTo, readTo } from './readTo.ts'
import { Unsorted } from './unsorted.ts'

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

/** A restore of so many records is a large one. */
const many = 100_000
/**
 * How much of a changelog is put in order together, and how much an answer of a broker has, in bytes. The fewer lots there are, the
 * less often each page of a copy's file is written.
 */
interface Portions {
  readonly lot: number
  readonly answer: number
}
const small: Portions = { lot: 4_194_304, answer: 4_194_304 }
/** In memory are a lot, the answer after it, and the one that comes. */
const large: Portions = { lot: 33_554_432, answer: 8_388_608 }

/** What a copy lacks of its original. */
interface Part extends TopicPartition {
  readonly from: number
  readonly end: number
}

/** What a unit changed of a task's state. */
interface TaskChanges {
  readonly group: string
  readonly task: string
  readonly state: Changes
}

interface Copy {
  readonly state: StateCopy
  readonly topicId: string | undefined
  /** Up to where it has been read, or is known by having been written here. */
  position: number
  /** Whether it has been complete. */
  complete: boolean
  /** How many doubts are settled. */
  settled: number
  /** Whether it was kept up while another member had the partition, and is not complete since. */
  isStandby: boolean
}

export interface ChangelogParts {
  readonly network: Network
  /** Whether a member of this process reads a group's topics: its changelog was made sure of then. */
  readonly isRead: (group: string) => boolean
  readonly copies: Copies
  readonly notes?: Notes | undefined
}

/** Local copies of changelog partitions: complete while their partition is ours, and gone or closed when it is not. */
export class Changelog {
  readonly #parts: ChangelogParts
  readonly #copies = new Map<string, Copy>()
  readonly #restoring = new Map<string, Promise<void>>()
  /** How often something may have come into a changelog that is not in its copy. */
  readonly #doubts = new Map<string, number>()
  /** How often a partition was given away. */
  readonly #losses = new Map<string, number>()
  /** Large restores go one after another, so that one of them has the memory of all. */
  #large: Promise<unknown> = Promise.resolve()

  constructor(parts: ChangelogParts) {
    this.#parts = parts
  }

  /** The copy of a partition, to be restored before. */
  copyOf(group: string, partition: number): StateCopy {
    const copy = this.#openCopy(nameOf(group, partition))
    if (!copy) throw lost(group, partition)
    return copy.state
  }

  /** Whether there is a copy of a partition. */
  has(group: string, partition: number): boolean {
    return this.#openCopy(nameOf(group, partition))?.complete ?? false
  }

  /** Whether the copy may lack something. */
  isStale(group: string, partition: number): boolean {
    return this.#isStale(nameOf(group, partition))
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
    increment(this.#doubts, nameOf(group, partition))
  }

  /** Another member may write the partition from now on. @param stays whether its copy is left for a standby copy */
  forget(group: string, partition: number, stays = false): void {
    const name = nameOf(group, partition)
    const copy = this.#openCopy(name)
    const isAtRest = copy?.complete && !this.#restoring.has(name)
    increment(this.#losses, name)
    this.#copies.delete(name)
    if (!stays || !isAtRest || copy.topicId === undefined) return copy?.state.close()
    this.#parts.copies.leave(group, partition, copy.state, { topicId: copy.topicId, position: copy.position })
  }

  /** How far the copies of a group have come. */
  positions(group: string): [partition: number, position: number][] {
    const own = [...this.#copies].filter(([name]) => name.startsWith(`${group}/`))
    return own.map(([name, { position }]) => [Number(name.slice(group.length + 1)), position])
  }

  /**
   * Units were committed together. A copy gets all that its partition got, and how far that is, at once.
   * @param endOf the offset after what was written to a partition last, if that is known
   * @throws BrokerError when a copy cannot be written: it is to be restored
   */
  apply(units: readonly TaskChanges[], endOf: (topic: string, partition: number) => number | undefined): void {
    const changed = units.filter(({ state }) => state.length > 0)
    for (const [partition, own] of Map.groupBy(changed, ({ task }) => partitionOfTask(task))) {
      const { group } = own[0]!
      const copy = this.#openCopy(nameOf(group, partition))
      if (!copy?.complete) continue
      const end = this.#isStale(nameOf(group, partition)) ? undefined : endOf(changelogOf(group), partition)
      if (end !== undefined) copy.position = Math.max(copy.position, end)
      const changes = own.map(({ task, state }) => [task, state] as const)
      copy.state.change(changes, end === undefined ? undefined : whatIs(copy))
    }
  }

  close(): void {
    for (const { state } of this.#copies.values()) state.close()
    this.#copies.clear()
  }

  /** One that could not be written is of no use any more: it is made complete anew from what its file has. */
  #openCopy(name: string): Copy | undefined {
    const copy = this.#copies.get(name)
    if (copy?.state.isOpen === false) this.#copies.delete(name)
    return copy?.state.isOpen ? copy : undefined
  }

  #isStale(name: string): boolean {
    const copy = this.#openCopy(name)
    return !copy?.complete || (this.#doubts.get(name) ?? 0) > copy.settled
  }

  async #restore(group: string, partition: number): Promise<void> {
    const name = nameOf(group, partition)
    const place = { topic: changelogOf(group), partition }
    const doubts = this.#doubts.get(name) ?? 0
    const losses = this.#losses.get(name)
    const isLost = () => this.#losses.get(name) !== losses
    const original = await originalOf(this.#parts.network, place, this.#parts.isRead(group))
    this.#dropUnless(original, name)
    const copy = this.#openCopy(name) ?? (await this.#open(group, partition, original))
    if (isLost()) {
      copy.state.close()
      throw lost(group, partition)
    }
    this.#copies.set(name, copy)
    const part = { ...place, from: Math.max(copy.position, original.start), end: original.end }
    const checkOwned = () => {
      if (isLost()) throw lost(group, partition)
    }
    if (copy.complete) await this.#renew(copy, part, checkOwned)
    else if (part.end - part.from < many) await this.#fill(copy, part, small, checkOwned)
    else await this.#inTurn(() => this.#fill(copy, part, large, checkOwned))
    copy.complete = true
    copy.settled = doubts
    copy.isStandby = false
  }

  /** Brings in what a copy lacks that nobody sees before it is complete. */
  async #fill(copy: Copy, part: Part, { lot, answer }: Portions, checkOwned: () => void): Promise<void> {
    checkOwned()
    const progress = new Progress(part, part.from, part.end, this.#parts.notes)
    const unsorted = new Unsorted(lot)
    const write = async (position: number): Promise<void> => {
      checkOwned()
      for (const changes of unsorted.take()) {
        copy.state.fill(changes)
        await setImmediate() // Others have their turn between.
        checkOwned()
      }
      copy.position = position
      copy.state.filled(whatIs(copy))
    }
    for await (const { batches, next } of fetchTo(this.#parts.network, part, part.from, part.end, answer)) {
      checkOwned()
      let records = 0
      for (const batch of batches) {
        records += unsorted.add(batch)
        // In the middle of an answer it has come no further than before: what is read again says the same.
        if (unsorted.isFull) await write(copy.position)
      }
      if (unsorted.isFull) await write(next)
      progress.at(next, records)
    }
    await write(Math.max(copy.position, part.end))
    progress.end(copy.isStandby)
  }

  /** Brings in what came to the original of a complete copy: together, so that nobody sees what a later record replaces. */
  async #renew(copy: Copy, part: Part, checkOwned: () => void): Promise<void> {
    const progress = new Progress(part, part.from, part.end, this.#parts.notes)
    const found = new Map<string, StoredRecord>()
    for await (const { records, next } of readTo(this.#parts.network, part, part.from, part.end)) {
      checkOwned()
      // Of each key the last, for it may have been long ago.
      for (const record of records) found.set(record.key!.toString(), detached(record))
      progress.at(next, records.length)
    }
    checkOwned()
    copy.position = Math.max(copy.position, part.end)
    copy.state.change(changesIn([...found.values()]), whatIs(copy))
    progress.end(copy.isStandby)
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#large.then(work)
    this.#large = done.catch(() => {})
    return done
  }

  /** A copy of a topic that is gone, or was made anew since, as by a reset of the group, is of no use. */
  #dropUnless({ topicId }: Original, name: string): void {
    const copy = this.#copies.get(name)
    if (!copy || copy.topicId === topicId) return
    copy.state.close()
    this.#copies.delete(name)
  }

  async #open(group: string, partition: number, original: Original): Promise<Copy> {
    const opened = await this.#parts.copies.open(group, partition, original)
    return { ...opened, topicId: original.topicId, complete: false, settled: 0 }
  }
}

/** With bytes of its own, so that it does not keep in memory all that came with it. */
const detached = ({ key, value, ...rest }: StoredRecord): StoredRecord => ({
  ...rest,
  key: key && Buffer.from(key),
  value: value && Buffer.from(value),
})

/** Undefined where it is of no topic that there is. */
const whatIs = ({ topicId, position }: Copy): CopyOf | undefined =>
  topicId === undefined ? undefined : { topicId, position }

/** Why the state of a partition cannot be told here. */
export const lost = (group: string, partition: number): BrokerError =>
  new BrokerError(`${changelogOf(group)}, partition ${partition}: it is another member’s by now.`)

const nameOf = (group: string, partition: number): string => `${group}/${partition}`

const increment = (counts: Map<string, number>, name: string): void =>
  void counts.set(name, (counts.get(name) ?? 0) + 1)
