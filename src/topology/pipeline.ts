import { firstValueFrom, Subject, type SchedulerLike } from 'rxjs'
import type { Batch, Broker, Subscription, TopicPartition } from '../broker/broker.ts'
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
  readonly guards: ReadonlyMap<string, FloodGuard>
  task?: Task
  /** Why it is not running, if it is not. */
  stopped?: TaskStopped
  restarts: number
  /** Batches that are being processed. */
  batches: number
}

const recordsPerPoll = 4_000

/** Runs a plan: connectors append, tasks process, and a task that stops is started again from what it committed. */
export class Pipeline {
  readonly #parts: PipelineParts
  readonly #stop = new AbortController()
  readonly #changed = new Subject<void>()
  readonly #appenders = new Map<string, Appender>()
  readonly #slots: Slot[] = []
  #sinks: SharedSinks | undefined
  #subscription: Subscription | undefined
  #running: Promise<unknown> = Promise.resolve()
  /** Why nothing is read, if so. */
  #unreadable: string | undefined
  #failedPolls = 0
  readonly meter = new Meter()

  constructor(parts: PipelineParts) {
    this.#parts = parts
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
    await this.#makeSlots()
    const tasks = [...new Set(this.#slots.map(({ partition }) => stateOf(partition)))]
    this.#sinks = new SharedSinks({ ...this.#parts, signal: this.#stop.signal, tasks })
    for (const task of tasks) this.#warnOfStranded(task)
    for (const slot of this.#slots) this.#startTask(slot)
    const topics = plan.subtopologies.flatMap(({ sources }) => sources.map(({ name }) => name))
    this.#subscription = await broker.subscribe(plan.name, topics)
    this.#running = Promise.all([this.#consume(), ...this.#append()])
  }

  /** Why parts of the pipeline are not running; empty when all is well. */
  get troubles(): readonly string[] {
    const tasks = this.#slots.flatMap(({ id, stopped }) => (stopped ? [`task ${id}: ${stopped.message}`] : []))
    const sources = [...this.#appenders].flatMap(([name, { failure }]) =>
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
    for (const { task } of this.#slots) await task?.close()
    await this.#subscription?.close()
    await this.#sinks?.close()
    this.#changed.complete()
  }

  /** Source records per source and stream since the pipeline first ran. */
  async conservation(): Promise<readonly Conservation[]> {
    return conservationOf(this.#parts.plan, await this.#parts.broker.counts(this.name))
  }

  async #makeSlots(): Promise<void> {
    const topics = await this.#parts.broker.topics()
    const partitionsOf = (name: string) => topics.find((topic) => topic.name === name)?.partitions.length ?? 1
    for (const subtopology of this.#parts.plan.subtopologies) {
      const partitions = Math.max(...subtopology.sources.map(({ name }) => partitionsOf(name)))
      const guards = new Map(
        subtopology.sources.flatMap(({ name, deadLetters: { halt } }) => (halt ? [[name, new FloodGuard(halt)]] : [])),
      )
      for (let partition = 0; partition < partitions; partition++) {
        const id = `${subtopology.id}_${partition}`
        this.#slots.push({ id, subtopology, partition, guards, restarts: 0, batches: 0 })
      }
    }
  }

  #warnOfStranded(task: string): void {
    const { plan, broker, log } = this.#parts
    const known = new Set(plan.subtopologies.flatMap(({ sources }) => sources.map(({ name }) => name)))
    for (const [source, records] of strandedIn(broker.state(plan.name, task), known)) {
      log.warn(
        { source, records },
        `${records} under way of ${source}, which the config no longer has: they wait for it`,
      )
    }
  }

  #startTask(slot: Slot): void {
    const { partition, subtopology, guards } = slot
    const parts = {
      ...this.#parts,
      partition,
      subtopology,
      signal: this.#stop.signal,
      meter: this.meter,
      sinks: this.#sinks!,
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
    await Promise.all(working)
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
    this.#subscription!.pause(batch)
    slot.batches++
    const done = await slot.task!.process(batch).then(
      () => true,
      () => false,
    )
    slot.batches--
    if (done) {
      slot.restarts = 0
      this.#subscription!.resume(batch)
    }
    this.#changed.next()
  }

  #slotOf({ topic, partition }: TopicPartition): Slot {
    return this.#slots.find(
      ({ subtopology, partition: own }) => own === partition && subtopology.sources.some(({ name }) => name === topic),
    )!
  }

  /** A task stopped: says so, and starts it again from its last commit after a pause that grows. */
  #suspend(slot: Slot, reason: TaskStopped): void {
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
    if (this.#stop.signal.aborted) return
    try {
      this.#startTask(slot)
    } catch (thrown) {
      return this.#suspend(slot, new TaskStopped(messageOf(thrown), { cause: thrown }))
    }
    for (const { name: topic } of slot.subtopology.sources) {
      this.#subscription!.rewind({ topic, partition: slot.partition })
      this.#subscription!.resume({ topic, partition: slot.partition })
    }
  }

  #append(): Promise<void>[] {
    const sources = this.#parts.plan.subtopologies.flatMap((subtopology) => subtopology.sources)
    return sources
      .filter(({ spec }) => spec.open)
      .map((source) => {
        const changed = () => this.#changed.next()
        const appender = new Appender({ ...this.#parts, source, signal: this.#stop.signal, meter: this.meter, changed })
        this.#appenders.set(source.name, appender)
        return appender.run()
      })
  }

  async #isQuiet(settled: boolean): Promise<boolean> {
    const reads = this.#unreadable === undefined || !this.#parts.once
    const running = this.#slots.filter(({ stopped }) => reads && !stopped)
    const still = () =>
      [...this.#appenders.values()].every(({ waiting }) => waiting) &&
      running.every(({ task, batches }) => batches === 0 && !task!.busy && (!settled || task!.inFlight === 0))
    if (!still()) return false
    const [topics, committed] = [await this.#parts.broker.topics(), await this.#parts.broker.committed(this.name)]
    const reached = (topic: string, partition: number) =>
      committed.find((position) => position.topic === topic && position.partition === partition)?.offset ?? 0n
    const drained = running.every(({ subtopology, partition }) =>
      subtopology.sources.every(({ name }) => {
        const info = topics.find((topic) => topic.name === name)?.partitions[partition]
        return !info || info.start === info.end || reached(name, partition) >= info.end
      }),
    )
    return drained && still()
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
