import { setImmediate } from 'node:timers/promises'
import type { TopicPartition, Unit } from '../broker.ts'
import { changelogOf, partitionOfTask, type Changelog } from './changelog.ts'
import type { PartitionRecords } from './chunks.ts'
import { Fenced, passes, Uncertain } from './failure.ts'
import { placeOf } from './globalState.ts'
import type { Ledger } from './ledger.ts'
import type { Network } from './network.ts'
import { PackedRecords } from './packedRecords.ts'
import { Packer, type PackedUnit } from './packedUnit.ts'
import type { GroupOffsets, Producer } from './producer.ts'

export interface CommitterParts {
  readonly network: Network
  readonly producer: Producer
  readonly changelog: Changelog
  readonly ledger: Ledger
  readonly guarantee: 'exactlyOnce' | 'atLeastOnce'
  /** Makes sure that a group's changelog has a partition, and that the ledger knows what is committed there. */
  readonly open: (group: string, partition: number) => Promise<void>
}

interface Waiting {
  readonly unit: PackedUnit
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** So many units at most share a transaction. */
const maxShared = 64

/**
 * Commits units: those of a member that come together, or while others are being written, go in one transaction. When that
 * is not committed, each is tried for itself, so that one that cannot be written does not take the others with it. None
 * is when nobody knows, for it may be there already; nor when it is not the units that are to blame.
 */
export class Committer {
  readonly #parts: CommitterParts
  readonly #packer: Packer
  /** Those that are not packed yet, or not written. */
  readonly #given = new Set<Promise<void>>()
  #waiting: Waiting[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: CommitterParts) {
    this.#parts = parts
    this.#packer = new Packer(parts.network)
  }

  /** Nothing of the unit is held while it waits: it is packed at once. */
  commit(unit: Unit): Promise<void> {
    const committed = this.#packer
      .pack(unit)
      .then((packed) => this.#enqueue(packed))
      .finally(() => this.#given.delete(committed))
    this.#given.add(committed)
    return committed
  }

  #enqueue(unit: PackedUnit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ unit, resolve, reject })
      if (this.#waiting.length === 1) void this.#exclusively(() => this.#writeWaiting())
    })
  }

  /** Completes a local copy, while nothing is written that could change it. */
  async restore(group: string, partition: number): Promise<void> {
    const { changelog, producer } = this.#parts
    if (!changelog.has(group, partition)) return changelog.restore(group, partition)
    if (!changelog.isStale(group, partition)) return
    await this.#exclusively(async () => {
      await producer.settle()
      await changelog.restore(group, partition)
    })
  }

  /** Resolves when everything is written that was given before. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#given)
    await this.#last
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  async #writeWaiting(): Promise<void> {
    await setImmediate() // What was read together is to be written together.
    const share = this.#waiting.filter(({ unit }) => isSameTerm(unit, this.#waiting[0]!.unit)).slice(0, maxShared)
    this.#waiting = this.#waiting.filter((each) => !share.includes(each))
    if (this.#waiting.length > 0) void this.#exclusively(() => this.#writeWaiting())
    const failure = await this.#attempt(share)
    if (!failure) return
    if (share.length === 1 || !isOfUnits(failure)) return this.#reject(share, failure)
    for (const each of share) {
      const own = await this.#attempt([each])
      if (own) this.#reject([each], own)
    }
  }

  /** What is left of a transaction is ended at once: until then nobody reads what was written after it. */
  #reject(share: readonly Waiting[], failure: unknown): void {
    for (const { reject } of share) reject(failure)
    void this.#exclusively(() => this.#parts.producer.settle().catch(() => {})) // Whoever writes next tries again.
  }

  /** @returns why nothing of it was committed, or may not have been */
  async #attempt(share: readonly Waiting[]): Promise<unknown> {
    const units = share.map(({ unit }) => unit)
    try {
      await this.#write(units)
    } catch (thrown) {
      return thrown
    }
    const { changelog, producer } = this.#parts
    try {
      changelog.apply(units, (topic, partition) => producer.endOf(topic, partition))
    } catch (thrown) {
      // Copies of other partitions may not have got their part either.
      for (const { group, task } of units) changelog.doubt(group, partitionOfTask(task))
      return new Uncertain((thrown as Error).message, { cause: thrown })
    }
    for (const { resolve } of share) resolve()
    return undefined
  }

  async #write(units: readonly PackedUnit[]): Promise<void> {
    const { producer, changelog, ledger, guarantee, open } = this.#parts
    for (const unit of units) if (keepsState(unit)) await open(unit.group, partitionOfTask(unit.task))
    const outputs = together(units.flatMap((unit) => unit.outputs))
    const changes = together(units.flatMap(changesOf))
    for (const { topic } of changes) await this.#packer.partitionsOf(topic)
    const offsets = this.#offsets(units)
    try {
      if (guarantee === 'exactlyOnce') {
        await producer.transact([...outputs, ...changes], offsets)
      } else {
        // In this order: state and offsets must not be ahead of the records that they stand for.
        if (outputs.length > 0) await producer.send(outputs)
        await withOutputs(async () => {
          if (changes.length > 0) await producer.send(changes)
          for (const each of offsets) await producer.commitOffsets(each)
        })
      }
    } catch (thrown) {
      for (const { group, task } of units) {
        changelog.doubt(group, partitionOfTask(task))
        ledger.forget(group, partitionOfTask(task))
      }
      throw thrown
    }
    for (const { group, offsets: own } of offsets) {
      for (const { topic, partition, metadata } of own) {
        if (topic === changelogOf(group)) ledger.load(group, partition, metadata!)
      }
    }
  }

  /** What units of a term commit of their group's offsets, if anything: positions, and with them the ledger. */
  #offsets(units: readonly PackedUnit[]): GroupOffsets[] {
    const { group, member } = units[0]!
    const partitions = new Set(units.filter(keepsState).map(({ task }) => partitionOfTask(task)))
    const kept = [...partitions].map((partition) => ({
      topic: changelogOf(group),
      partition,
      offset: 0n,
      metadata: this.#parts.ledger.after(units, partition),
    }))
    const offsets = [...units.flatMap((unit) => unit.offsets), ...kept]
    if (offsets.length === 0) return []
    return [{ group, generation: member?.generation ?? -1, member: member?.id ?? '', offsets }]
  }
}

/** What a unit changes of its task's state, and of what all tasks share. */
function changesOf({ group, task, state, global }: PackedUnit): PartitionRecords[] {
  const own: TopicPartition = { topic: changelogOf(group), partition: partitionOfTask(task) }
  return [
    { ...own, records: state.records },
    { ...placeOf(group), records: global.records },
  ]
}

/** What there is of one partition as one, where there is something. */
function together(parts: readonly PartitionRecords[]): PartitionRecords[] {
  const byPlace = Map.groupBy(
    parts.filter(({ records }) => records.length > 0),
    ({ topic, partition }) => `${topic}/${partition}`,
  )
  return Array.from(byPlace.values(), (own) => ({
    ...own[0]!,
    records: PackedRecords.together(own.map(({ records }) => records)),
  }))
}

/** Whether some of the units may be committed without the others. */
const isOfUnits = (failure: unknown): boolean =>
  !(failure instanceof Uncertain || failure instanceof Fenced || passes(failure))

const isSameTerm = (a: PackedUnit, b: PackedUnit): boolean =>
  a.group === b.group && a.member?.id === b.member?.id && a.member?.generation === b.member?.generation

/** Does what follows on outputs that are written: when it fails, they are there already. */
async function withOutputs(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    if (thrown instanceof Fenced) throw thrown
    throw new Uncertain((thrown as Error).message, { cause: thrown })
  }
}

/** Whether it is a unit of a task, whose term must be checked even when it moves no offset. */
const keepsState = ({ member, state, counts }: PackedUnit): boolean =>
  member !== undefined || state.length > 0 || counts.length > 0
