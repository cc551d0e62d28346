import { firstValueFrom, Subject, type SchedulerLike } from 'rxjs'
import type { Batch, Broker, GroupMember, Lag, Position, StateReader, Subscription, TopicPartition } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import { FloodGuard } from '../deadletter/flood.ts'
import { Appender } from './append.ts'
import { conservationOf, type Conservation } from './conservation.ts'
import { stateOf, strandedIn } from './held.ts'
import { increment, Meter } from './meter.ts'
import { pauseAfter, sleep } from './pause.ts'
import type { Plan, Subtopology } from './plan.ts'
import { SharedSinks } from './sinks.ts'
import { Task, TaskStopped } from './task.ts'

export type { Conservation }

export interface PipelineParts {
  readonly plan: Plan
  readonly broker: Broker
  readonly scheduler: SchedulerLike
  readonly log: Log
  /** Poll each polled source until it has nothing more at once, then no more. */
  readonly once: boolean
}

/** A task and what it takes to start it again. */
interface Slot {
  readonly id: string
  readonly subtopology: Subtopology
  readonly partition: number
  readonly member: GroupMember | undefined
  readonly guards: ReadonlyMap<string, FloodGuard>
  task?: Task
  /** Why it is not running, if it is not. */
  stopped?: TaskStopped
  restarts: number
  /** Batches that are being processed. */
  batches: number
}

/** A source's connector at work. */
interface Connector {
  readonly appender: Appender
  readonly stop: AbortController
  readonly running: Promise<void>
}

const recordsPerPoll = 4_000

/** Runs a plan: connectors append, tasks process, and a task that stops is started again from what it committed. */
export class Pipeline {
  readonly #parts: PipelineParts
  readonly #stop = new AbortController()
  readonly #changed = new Subject<void>()
  readonly #connectors = new Map<string, Connector>()
  readonly #guards = new Map<Subtopology, ReadonlyMap<string, FloodGuard>>()
  #slots: Slot[] = []
  readonly #sinks: SharedSinks
  #subscription: Subscription | undefined
  #running: Promise<unknown> = Promise.resolve()
  /** Why nothing is read, if so. */
  #unreadable: string | undefined
  #failedPolls = 0
  readonly meter = new Meter()

  constructor(parts: PipelineParts) {
    this.#parts = parts
    this.#sinks = new SharedSinks({ ...parts, signal: this.#stop.signal })
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

  /** Creates missing topics, restores the tasks and starts to read. Throws what is wrong with a component's set-up. */
  async start(): Promise<void> {
    const { plan, broker } = this.#parts
    await broker.ensureTopics(plan.topics)
    const topics = plan.subtopologies.flatMap(({ sources }) => sources.map(({ name }) => name))
    this.#subscription = await broker.subscribe(plan.name, topics, {
      assigned: (partitions, member) => this.#assign(partitions, member),
      revoked: (partitions) => this.#revoke(partitions),
    })
    this.#running = this.#consume()
  }

  /** Why parts of the pipeline are not running; empty when all is well. */
  get troubles(): readonly string[] {
    const tasks = this.#slots.flatMap(({ id, stopped }) => (stopped ? [`task ${id}: ${stopped.message}`] : []))
    const sources = [...this.#connectors].flatMap(([name, { appender: { failure } }]) =>
      failure ? [`source ${name}: ${failure.message}`] : [],
    )
    return [...(this.#unreadable === undefined ? [] : [`reading: ${this.#unreadable}`]), ...tasks, ...sources]
  }

  get inFlight(): number {
    return this.#slots.reduce((sum, { task }) => sum + (task?.inFlight ?? 0), 0)
  }

  /** Where records are under way: inside operators, or waiting to be tried again at operators and sinks. */
  get places(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { task } of this.#slots) task?.places.forEach((count, place) => increment(counts, place, count))
    return counts
  }

  /**
   * Resolves when every connector waits, all records are processed and committed, and no call is under way: nothing will
   * happen before the clock moves or something arrives. With `settled`, also when nothing waits for a timer. Resolves
   * at once when the pipeline is stopped.
   */
  async quiet(options: { readonly settled?: boolean } = {}): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const changed = firstValueFrom(this.#changed, { defaultValue: undefined })
      if (await this.#isQuiet(options.settled ?? false)) return
      await changed
    }
  }

  /** Ends the input of operators that hold records, so that they let go of them. */
  async flush(): Promise<void> {
    for (const { task } of this.#slots) await task?.flush()
  }

  /** Stops reading, lets the units in work commit, abandons the rest. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#changed.next()
    await this.#running
    await this.#closeSlots(this.#slots)
    await this.#subscription?.close()
    await this.#sinks.close()
    this.#changed.complete()
  }

  /** Source records per source and stream since the pipeline first ran. */
  async conservation(): Promise<readonly Conservation[]> {
    return conservationOf(this.#parts.plan, await this.#parts.broker.counts(this.name))
  }

  /** Partitions are this process's from now on: their tasks start, and the connectors of sources whose first partition it is. */
  async #assign(partitions: readonly TopicPartition[], member: GroupMember | undefined): Promise<void> {
    const { plan, broker } = this.#parts
    const numbers = new Set(partitions.map(({ partition }) => partition))
    for (const partition of numbers) {
      const state = await broker.state(plan.name, stateOf(partition))
      this.#sinks.add(partition, state)
      this.#warnOfStranded(state)
    }
    const fresh = plan.subtopologies.flatMap((subtopology) =>
      [...numbers].filter((partition) => isFed(subtopology, partition, partitions)).map((partition) => this.#slot(subtopology, partition, member)),
    )
    for (const slot of fresh) await this.#startTask(slot)
    const first = partitions.filter(({ partition }) => partition === 0).map(({ topic }) => topic)
    for (const topic of first) this.#startConnector(topic, member)
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const gone = partitions.filter(({ partition }) => partition === 0).map(({ topic }) => topic)
    await Promise.all(gone.map((topic) => this.#stopConnector(topic)))
    await this.#closeSlots(this.#slots.filter(({ subtopology, partition }) => isFed(subtopology, partition, partitions)))
    for (const partition of new Set(partitions.map(({ partition }) => partition))) this.#sinks.remove(partition)
    await this.#sinks.close()
  }

  #slot(subtopology: Subtopology, partition: number, member: GroupMember | undefined): Slot {
    const id = `${subtopology.id}_${partition}`
    const known = this.#slots.find((slot) => slot.id === id)
    if (known) return known
    const slot = { id, subtopology, partition, member, guards: this.#guardsOf(subtopology), restarts: 0, batches: 0 }
    this.#slots.push(slot)
    return slot
  }

  /** They judge a source over all its partitions, and outlive a task that they stopped. */
  #guardsOf(subtopology: Subtopology): ReadonlyMap<string, FloodGuard> {
    const known = this.#guards.get(subtopology)
    if (known) return known
    const guards = new Map(
      subtopology.sources.flatMap(({ name, deadLetters: { halt } }) => (halt ? [[name, new FloodGuard(halt)]] : [])),
    )
    this.#guards.set(subtopology, guards)
    return guards
  }

  async #closeSlots(slots: readonly Slot[]): Promise<void> {
    this.#slots = this.#slots.filter((slot) => !slots.includes(slot))
    await Promise.all(slots.map(({ task }) => task?.close()))
  }

  #warnOfStranded(state: StateReader): void {
    const { plan, log } = this.#parts
    const known = new Set(plan.subtopologies.flatMap(({ sources }) => sources.map(({ name }) => name)))
    for (const [source, records] of strandedIn(state, known)) {
      log.warn(
        { source, records },
        `${records} under way of ${source}, which the config no longer has: they wait for it`,
      )
    }
  }

  async #startTask(slot: Slot): Promise<void> {
    if (slot.task && !slot.stopped) return
    const { partition, subtopology, guards, member } = slot
    const { broker, plan } = this.#parts
    const state = await broker.state(plan.name, stateOf(partition))
    const positions = await broker.committed(plan.name)
    const parts = {
      ...this.#parts,
      partition,
      member,
      state,
      committed: (place: TopicPartition) => positions.find((position) => isSame(position, place))?.offset,
      subtopology,
      signal: this.#stop.signal,
      meter: this.meter,
      sinks: this.#sinks,
    }
    const task = new Task(parts, guards)
    task.stopped.subscribe((reason) => this.#suspend(slot, reason))
    task.worked.subscribe(() => this.#changed.next())
    slot.task = task
    delete slot.stopped
    task.resume()
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
    await Promise.all([...working, ...[...this.#connectors.values()].map(({ running }) => running)])
  }

  /** The next batches; none when they cannot be read, which is said, and after a pause. */
  async #poll(): Promise<readonly Batch[]> {
    const { signal } = this.#stop
    const { log, once, scheduler } = this.#parts
    try {
      this.#unreadable = undefined
      const batches = await this.#subscription!.poll({ maxRecords: recordsPerPoll, signal })
      this.#failedPolls = 0
      return batches
    } catch (thrown) {
      this.#unreadable = messageOf(thrown)
      const pause = pauseAfter(++this.#failedPolls)
      log.error({ pipeline: this.name, ...(!once && { again: pause }) }, `Nothing can be read: ${this.#unreadable}`)
      this.#changed.next()
      if (!once) await sleep(pause, scheduler, signal)
      return []
    }
  }

  async #process(batch: Batch): Promise<void> {
    const slot = this.#slotOf(batch)
    if (!slot) return
    this.#subscription!.pause(batch)
    slot.batches++
    const done = await slot.task!.process(batch).then(
      () => true,
      () => false,
    )
    slot.batches--
    if (done && this.#has(slot)) {
      slot.restarts = 0
      this.#subscription!.resume(batch)
    }
    this.#changed.next()
  }

  /** Undefined where a rebalance has just taken the partition away. */
  #slotOf(place: TopicPartition): Slot | undefined {
    return this.#slots.find(({ subtopology, partition }) => isFed(subtopology, partition, [place]))
  }

  #has(slot: Slot): boolean {
    return this.#slots.includes(slot) && !this.#stop.signal.aborted
  }

  /** A task stopped: says so, and starts it again from its last commit after a pause that grows. */
  #suspend(slot: Slot, reason: TaskStopped): void {
    if (!this.#slots.includes(slot)) return
    slot.stopped = reason
    const pause = pauseAfter(++slot.restarts)
    const again = this.#parts.once ? {} : { again: pause }
    this.#parts.log.error(
      { task: slot.id, ...again },
      `Task ${slot.id} stopped, nothing of its unit was committed: ${reason.message}`,
    )
    this.#changed.next()
    if (this.#parts.once) return
    void sleep(pause, this.#parts.scheduler, this.#stop.signal).then(() => this.#restart(slot))
  }

  async #restart(slot: Slot): Promise<void> {
    await slot.task?.close()
    if (!this.#has(slot)) return
    try {
      await this.#startTask(slot)
    } catch (thrown) {
      return this.#suspend(slot, new TaskStopped(messageOf(thrown), { cause: thrown }))
    }
    if (!this.#has(slot)) return void slot.task?.close()
    for (const { name: topic } of slot.subtopology.sources) {
      this.#subscription!.rewind({ topic, partition: slot.partition })
      this.#subscription!.resume({ topic, partition: slot.partition })
    }
  }

  #startConnector(topic: string, member: GroupMember | undefined): void {
    const sources = this.#parts.plan.subtopologies.flatMap((subtopology) => subtopology.sources)
    const source = sources.find(({ name }) => name === topic)
    if (!source?.spec.open || this.#connectors.has(topic)) return
    const stop = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, stop.signal])
    const changed = () => this.#changed.next()
    const appender = new Appender({ ...this.#parts, source, member, signal, meter: this.meter, changed })
    this.#connectors.set(topic, { appender, stop, running: appender.run() })
  }

  async #stopConnector(topic: string): Promise<void> {
    const connector = this.#connectors.get(topic)
    if (!connector) return
    connector.stop.abort()
    await connector.running
    this.#connectors.delete(topic)
  }

  async #isQuiet(settled: boolean): Promise<boolean> {
    const reads = this.#unreadable === undefined || !this.#parts.once
    const running = this.#slots.filter(({ stopped }) => reads && !stopped)
    const still = () =>
      [...this.#connectors.values()].every(({ appender }) => appender.waiting) &&
      running.every(({ task, batches }) => batches === 0 && !task!.busy && (!settled || task!.inFlight === 0))
    if (!still()) return false
    if (!reads) return true
    const lag = await this.#subscription!.lag()
    const committed = await this.#parts.broker.committed(this.name)
    const drained = lag.every((own) => this.#slotOf(own)?.stopped || isDrained(own, committed))
    return drained && still()
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

const isSame = (a: TopicPartition, b: TopicPartition): boolean => a.topic === b.topic && a.partition === b.partition

/** Whether one of the places feeds the task of a partition. */
const isFed = ({ sources }: Subtopology, partition: number, places: readonly TopicPartition[]): boolean =>
  places.some((place) => place.partition === partition && sources.some(({ name }) => name === place.topic))

/** Whether all that there is was given, and what was given is committed. */
function isDrained(own: Lag, committed: readonly Position[]): boolean {
  const { position, start, end } = own
  const reached = committed.find((each) => isSame(each, own))?.offset ?? 0n
  return position >= end && (position === start || reached >= position)
}
