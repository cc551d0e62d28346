import type { OutputRecord } from '../../record/record.ts'
import { BrokerError, type Unit } from '../broker.ts'
import { checkTopicName } from '../topicName.ts'
import { partitionOf } from '../partition.ts'
import type { PartitionRecords } from './chunks.ts'
import { changelogOf, partitionOfTask, type Changelog } from './changelog.ts'
import { Abandoned, Fenced, passes, Uncertain } from './failure.ts'
import { globalRecords } from './globalState.ts'
import type { Ledger } from './ledger.ts'
import type { Network } from './network.ts'
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
  readonly unit: Unit
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** So many units at most share a transaction. */
const maxShared = 64

/**
 * Commits units: those of a member that come while others are being written go together, in one transaction. When that
 * is not committed, each is tried for itself, so that one that cannot be written does not take the others with it. None
 * is when nobody knows, for it may be there already; nor when it is not the units that are to blame.
 */
export class Committer {
  readonly #parts: CommitterParts
  /** Units so far per topic: records without a key stick to one partition for a unit, and to the next one in the next. */
  readonly #turns = new Map<string, number>()
  #waiting: Waiting[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: CommitterParts) {
    this.#parts = parts
  }

  async commit(unit: Unit): Promise<void> {
    checkOutputs(unit.outputs)
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
    await this.#last
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  async #writeWaiting(): Promise<void> {
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

  async #write(units: readonly Unit[]): Promise<void> {
    const { producer, changelog, ledger, guarantee, open } = this.#parts
    for (const unit of units) if (keepsState(unit)) await open(unit.group, partitionOfTask(unit.task))
    const now = Date.now()
    const outputs = await this.#byPartition(units.flatMap((unit) => unit.outputs))
    const changes = together(units.flatMap((unit) => [changelog.records(unit, now), globalRecords(unit, now)]))
    for (const { topic } of changes) await this.#partitionsOf(topic)
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

  async #byPartition(outputs: readonly OutputRecord[]): Promise<PartitionRecords[]> {
    const topics = Map.groupBy(outputs, ({ topic }) => topic)
    const parts: PartitionRecords[] = []
    for (const [topic, own] of topics) {
      const count = await this.#partitionsOf(topic)
      const turn = this.#turns.get(topic) ?? 0
      this.#turns.set(topic, turn + 1)
      const partitions: OutputRecord[][] = Array.from({ length: count }, () => [])
      for (const record of own) partitions[choose(record, count, turn % count)]!.push(record)
      partitions.forEach((records, partition) => {
        if (records.length > 0) parts.push({ topic, partition, records })
      })
    }
    return parts
  }

  async #partitionsOf(topic: string): Promise<number> {
    const leaders = await this.#parts.network.persist(`The topic ${topic} cannot be found`, () =>
      this.#parts.network.leaders(topic),
    )
    if (leaders) return leaders.length
    throw new Abandoned(
      `There is no topic ${topic} to write to. Create it (\`oxbow topics FILE --apply\`); a pipeline that runs goes on by itself then.`,
    )
  }

  /** What units of a term commit of their group's offsets, if anything: positions, and with them the ledger. */
  #offsets(units: readonly Unit[]): GroupOffsets[] {
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

/** What there is of one partition as one, where there is something. */
function together(parts: readonly PartitionRecords[]): PartitionRecords[] {
  const byPlace = new Map<string, PartitionRecords>()
  for (const part of parts) {
    if (part.records.length === 0) continue
    const name = `${part.topic}/${part.partition}`
    const before = byPlace.get(name)
    byPlace.set(name, before ? { ...part, records: [...before.records, ...part.records] } : part)
  }
  return [...byPlace.values()]
}

/** Whether some of the units may be committed without the others. */
const isOfUnits = (failure: unknown): boolean =>
  !(failure instanceof Uncertain || failure instanceof Fenced || passes(failure))

const isSameTerm = (a: Unit, b: Unit): boolean =>
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
const keepsState = ({ member, state, counts }: Unit): boolean =>
  member !== undefined || state.length > 0 || counts.length > 0

function choose({ topic, partition, key }: OutputRecord, count: number, sticky: number): number {
  if (partition === undefined) return key === null ? sticky : partitionOf(key, count)
  if (Number.isInteger(partition) && partition >= 0 && partition < count) return partition
  throw new Abandoned(`A record names partition ${partition} of ${topic}, which has ${count}, counted from 0.`)
}

/** The last moment that a Date can hold. */
const maxTimestamp = 8.64e15

function checkOutputs(outputs: readonly OutputRecord[]): void {
  for (const topic of new Set(outputs.map((output) => output.topic))) checkTopicName(topic)
  for (const { topic, timestamp } of outputs) {
    if (Number.isInteger(timestamp) && timestamp >= 0 && timestamp <= maxTimestamp) continue
    throw new BrokerError(
      `A record for ${topic} has the timestamp ${timestamp}: it must be whole milliseconds since 1970.`,
    )
  }
}
