import { firstValueFrom, Subject, type SchedulerLike } from 'rxjs'
import {
  PartitionUnreadable,
  type Batch,
  type Broker,
  type GroupMember,
  type Lag,
  type Subscription,
  type TopicPartition,
} from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import type { FloodGuard } from '../deadletter/flood.ts'
import { Connectors } from './connectors.ts'
import { conservationOf, countsOf, type Conservation } from './conservation.ts'
import { checkCopartitioned } from './copartition.ts'
import { isDrained } from './drained.ts'
import { guardsOf } from './guards.ts'
import { stateOf } from './held.ts'
import { increment, Meter } from './meter.ts'
import { pauseAfter, sleep } from './pause.ts'
import { inputsOf, type Plan, type Subtopology } from './plan.ts'
import { prepareTopics } from './prepareTopics.ts'
import type { PipelineStatus, RunningPipeline, ThreadLag } from './running.ts'
import { SharedSinks } from './sinks.ts'
import { Slot, unserved } from './slot.ts'
import { checkWriters } from './soleWriter.ts'
import { answerFor, type StoreAnswer, type StoreQuery } from './stores.ts'
import { warnOfStranded } from './stranded.ts'

export type { Conservation }

export interface PipelineParts {
  readonly plan: Plan
  readonly broker: Broker
  readonly scheduler: SchedulerLike
  readonly log: Log
  /** Poll each polled source until it has nothing more at once, then no more. */
  readonly once: boolean
  /** The thread that it runs in; the main thread, 0, when absent. */
  readonly thread?: number
}

const recordsPerPoll = 4_000
/** Between polls that fail, in milliseconds: partitions that a rebalance assigns meanwhile are not taken up. */
const longestPause = 5_000

/** Runs a plan: connectors append, and tasks process the partitions that the broker gives to this process. */
export class Pipeline implements RunningPipeline {
  readonly #parts: PipelineParts
  readonly #stop = new AbortController()
  readonly #changed = new Subject<void>()
  readonly #guards: ReadonlyMap<Subtopology, ReadonlyMap<string, FloodGuard>>
  readonly #sinks: SharedSinks
  readonly #connectors: Connectors
  #slots: readonly Slot[] = []
  #member: GroupMember | undefined
  /** Whether partitions were taken away, and those of the next term are not all at work. */
  #rebalancing = false
  #subscription: Subscription | undefined
  #running: Promise<unknown> = Promise.resolve()
  /** Why nothing is read, if so. */
  #unreadable: string | undefined
  #failedPolls = 0
  readonly meter = new Meter()

  constructor(parts: PipelineParts) {
    this.#parts = parts
    const shared = {
      ...parts,
      signal: this.#stop.signal,
      meter: this.meter,
      changed: () => this.#changed.next(),
    }
    this.#sinks = new SharedSinks(shared)
    this.#connectors = new Connectors(shared)
    this.#guards = new Map(parts.plan.subtopologies.map((subtopology) => [subtopology, guardsOf(subtopology)]))
  }

  get plan(): Plan {
    return this.#parts.plan
  }

  get name(): string {
    return this.#parts.plan.name
  }

  /** Whether it was started, and not stopped since. */
  get started(): boolean {
    return this.#subscription !== undefined && !this.#stop.signal.aborted
  }

  async start(): Promise<void> {
    const { plan, broker } = this.#parts
    await prepareTopics(broker, plan.topics)
    await checkCopartitioned(plan, broker)
    this.#subscription = await broker.subscribe(plan.name, plan.subtopologies.flatMap(inputsOf), {
      standbyReplicas: plan.standbyReplicas ?? 0,
      assigned: (partitions, member) => this.#assign(partitions, member),
      revoked: (partitions) => this.#revoke(partitions),
    })
    this.#running = this.#consume()
  }

  /** Why parts of the pipeline are not running; empty when all is well. */
  get troubles(): readonly string[] {
    const reading = this.#unreadable === undefined ? [] : [`reading: ${this.#unreadable}`]
    return [...reading, ...this.#slots.flatMap(({ trouble }) => trouble ?? []), ...this.#connectors.troubles]
  }

  get inFlight(): number {
    return this.#slots.reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  /** Those that wait behind dead letters: they do not go on by themselves. */
  get blocked(): number {
    return this.#slots.reduce((sum, { blocked }) => sum + blocked, 0)
  }

  /** Where records are under way: inside operators, or waiting to be tried again at operators and sinks. */
  get places(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { places } of this.#slots) places.forEach((count, place) => increment(counts, place, count))
    return counts
  }

  async status(): Promise<PipelineStatus> {
    const { started, troubles, meter } = this
    const standbys = this.#subscription?.standbys ?? []
    const own = { thread: this.#thread, tasks: this.#slots.map(({ id }) => id), reads: this.#reads, standbys }
    return { started, troubles, meter, shares: [{ ...own, ...(this.#member && { member: this.#member }) }] }
  }

  async lag(): Promise<readonly ThreadLag[]> {
    if (!this.started) return []
    const [own, thread, member] = [await this.#subscription!.lag(), this.#thread, this.#member]
    return own.map((lag) => ({ ...lag, thread, ...(member && { member: member.id }) }))
  }

  async quiet(options: { readonly settled?: boolean } = {}): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const changed = firstValueFrom(this.#changed, { defaultValue: undefined })
      if (await this.#isQuiet(options.settled ?? false)) return
      await changed
    }
  }

  async flush(): Promise<void> {
    for (const slot of this.#slots) await slot.flush()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#changed.next()
    await this.#running
    await Promise.all(this.#slots.map((slot) => slot.close()))
    await this.#subscription?.close()
    await this.#sinks.close()
    this.#changed.complete()
  }

  stores(query: StoreQuery): Promise<StoreAnswer> {
    return answerFor(this.#parts.broker, this.name, this.#slots, query)
  }

  async conservation(): Promise<readonly Conservation[]> {
    return conservationOf(this.#parts.plan, await countsOf(this.#parts.broker, this.name))
  }

  /** Partitions are this process's from now on: their tasks start, and the connectors of topics whose first it is. */
  async #assign(partitions: readonly TopicPartition[], member: GroupMember | undefined): Promise<void> {
    const { plan, broker } = this.#parts
    if (member) await checkWriters(plan, partitions, broker)
    for (const partition of new Set(partitions.map((each) => each.partition))) {
      const state = await broker.state(plan.name, stateOf(partition))
      this.#sinks.add(partition, state)
      warnOfStranded(state, this.#parts)
    }
    const fresh = unserved(plan.subtopologies, partitions, this.#slots).map(({ subtopology, partition }) =>
      this.#slotFor(subtopology, partition, member),
    )
    this.#slots = [...this.#slots, ...fresh]
    for (const slot of fresh) await slot.start()
    for (const { topic, partition } of partitions) if (partition === 0) this.#connectors.start(topic, member)
    this.#member = member
    this.#rebalancing = false
    this.#changed.next()
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    this.#member = undefined
    this.#rebalancing = true
    const first = partitions.filter(({ partition }) => partition === 0)
    await Promise.all(first.map(({ topic }) => this.#connectors.stop(topic)))
    const lost = this.#slots.filter((slot) => slot.isFedBy(partitions))
    this.#slots = this.#slots.filter((slot) => !lost.includes(slot))
    await Promise.all(lost.map((slot) => slot.close()))
    for (const { partition } of partitions) this.#sinks.remove(partition)
    await this.#sinks.close()
  }

  #slotFor(subtopology: Subtopology, partition: number, member: GroupMember | undefined): Slot {
    return new Slot({
      ...this.#parts,
      subtopology,
      partition,
      member,
      guards: this.#guards.get(subtopology)!,
      sinks: this.#sinks,
      signal: this.#stop.signal,
      meter: this.meter,
      changed: () => this.#changed.next(),
      changes: this.#changed,
      lag: () => this.#subscription!.lag(),
      isFilling: (topic) => this.#connectors.isFilling(topic),
      suspended: ({ subtopology, partition }) => {
        for (const topic of inputsOf(subtopology)) this.#subscription?.pause({ topic, partition })
      },
      restarted: (slot) => this.#rewind(slot),
    })
  }

  #rewind({ subtopology, partition }: Slot): void {
    for (const topic of inputsOf(subtopology)) {
      this.#subscription!.rewind({ topic, partition })
      this.#subscription!.resume({ topic, partition })
    }
  }

  async #consume(): Promise<void> {
    const { signal } = this.#stop
    const working = new Set<Promise<void>>()
    while (!signal.aborted) {
      const batches = await this.#poll()
      if (this.#unreadable !== undefined && this.#parts.once) break
      for (const batch of batches) {
        const work: Promise<void> = this.#process(batch).finally(() => working.delete(work))
        working.add(work)
      }
    }
    await Promise.all(working)
    await this.#connectors.ended()
  }

  /** The next batches; none when they cannot be read, which is said, and after a pause. */
  async #poll(): Promise<readonly Batch[]> {
    const { signal } = this.#stop
    const { log, once, scheduler } = this.#parts
    try {
      const batches = await this.#subscription!.poll({ maxRecords: recordsPerPoll, signal })
      this.#unreadable = undefined
      this.#failedPolls = 0
      return batches
    } catch (thrown) {
      this.#unreadable = messageOf(thrown)
      const others = thrown instanceof PartitionUnreadable
      const pause = others ? 0 : Math.min(pauseAfter(++this.#failedPolls), longestPause)
      const what = others ? 'A partition cannot be read' : 'Nothing can be read'
      log.error({ pipeline: this.name, ...(!once && { again: pause }) }, `${what}: ${this.#unreadable}`)
      this.#changed.next()
      if (!once) await sleep(pause, scheduler, signal)
      return []
    }
  }

  async #process(batch: Batch): Promise<void> {
    const slot = this.#slots.find((own) => own.isFedBy([batch]))
    if (!slot) return // A rebalance has just taken the partition away.
    this.#subscription!.pause(batch)
    const more = await slot.process(batch)
    if (more && !this.#stop.signal.aborted) this.#subscription!.resume(batch)
    this.#changed.next()
  }

  /** Whether it reads, or is still to. */
  get #reads(): boolean {
    return this.#unreadable === undefined || !this.#parts.once
  }

  get #thread(): number {
    return this.#parts.thread ?? 0
  }

  async #isQuiet(settled: boolean): Promise<boolean> {
    const reads = this.#reads
    const still = () =>
      !(reads && this.#rebalancing) &&
      this.#connectors.waiting &&
      this.#slots
        .filter(({ stopped, goesBack }) => reads && (goesBack || !stopped))
        .every(({ busy, inFlight, blocked }) => !busy && (!settled || inFlight === blocked))
    if (!still()) return false
    if (!reads) return true
    const lag = await this.#subscription!.lag()
    const committed = await this.#parts.broker.committed(this.name)
    const isHeldUp = (own: Lag) => this.#slots.some((slot) => slot.holdsUp(own))
    return lag.every((own) => isHeldUp(own) || isDrained(own, committed)) && still()
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
