import type { Observable } from 'rxjs'
import type { Batch, GroupMember, Lag, TopicPartition } from '../broker/broker.ts'
import type { FloodGuard } from '../deadletter/flood.ts'
import { readGlobals } from './globalTables.ts'
import { stateOf } from './held.ts'
import type { Intake } from './partitionGroup.ts'
import { pauseAfter, sleep } from './pause.ts'
import { inputsOf, type Subtopology } from './plan.ts'
import { Refusals } from './refusals.ts'
import { checkShapes } from './shapes.ts'
import { Task, type TaskParts } from './task.ts'
import { TaskStopped } from './taskStopped.ts'
import { inTimeOrder, TimeOrder } from './timeOrder.ts'

export interface SlotParts extends Omit<TaskParts, 'state' | 'global' | 'committed' | 'refusals'> {
  readonly member: GroupMember | undefined
  /** A task that stops is not started again. */
  readonly once: boolean
  /** The flood guards of its sources; they outlive a stopped task. */
  readonly guards: ReadonlyMap<string, FloodGuard>
  /** Called whenever something ended, well or not. */
  readonly changed: () => void
  /** Emits whenever that is called, for any of the slots. */
  readonly changes: Observable<void>
  /** How far this process is in each of its partitions. */
  readonly lag: () => Promise<readonly Lag[]>
  /** Whether something here is still to fill a topic, and then to end. */
  readonly isFilling: (topic: string) => boolean
  /** A task has stopped: it takes nothing until it is started again. */
  readonly suspended: (slot: Slot) => void
  /** A task was started again: its partitions go on from what is committed. */
  readonly restarted: (slot: Slot) => void
}

/** The place of a task: it starts the task, and starts it again when it stops, from what it committed. */
export class Slot {
  readonly #parts: SlotParts
  readonly #ordered: readonly string[]
  #task: Task | undefined
  /** Hands the task its inputs, where their order matters. */
  #order: TimeOrder | undefined
  #stopped: TaskStopped | undefined
  #restarts = 0
  #batches = 0
  #closed = false
  readonly #refusals = new Refusals()
  /** The task goes back to its last commit, or is on its way from there. */
  #goesBack = false

  constructor(parts: SlotParts) {
    this.#parts = parts
    this.#ordered = inTimeOrder(parts.subtopology)
  }

  /** As Kafka Streams names a task: "0_3" is partition 3 of sub-topology 0. */
  get id(): string {
    return `${this.#parts.subtopology.id}_${this.#parts.partition}`
  }

  get subtopology(): Subtopology {
    return this.#parts.subtopology
  }

  get partition(): number {
    return this.#parts.partition
  }

  /** Why the task is not running, if it is not. */
  get stopped(): TaskStopped | undefined {
    return this.#stopped
  }

  /** Whether the task is being started again: what it stopped at comes once more. */
  get goesBack(): boolean {
    return this.#goesBack
  }

  get inFlight(): number {
    return this.#task?.standing.inFlight ?? 0
  }

  /** Records in flight that do not go on by themselves. */
  get blocked(): number {
    return this.#task?.standing.blocked ?? 0
  }

  /** Why the task reads no more, though it runs, until somebody does something. */
  get stuck(): string | undefined {
    return this.#task?.standing.stuck
  }

  get places(): ReadonlyMap<string, number> {
    return this.#task?.standing.places ?? new Map()
  }

  /** Whether something is under way that ends by itself. */
  get busy(): boolean {
    return this.#goesBack || (this.#batches > 0 && this.stuck === undefined) || (this.#task?.busy ?? false)
  }

  /** Whether one of the places feeds the task. */
  isFedBy(places: readonly TopicPartition[]): boolean {
    const { partition, subtopology } = this.#parts
    return isFed(subtopology, partition, places)
  }

  /** Whether it takes nothing from a place until it is started again, or somebody does something. */
  holdsUp(place: TopicPartition): boolean {
    if (!this.isFedBy([place])) return false
    const isSource = this.subtopology.sources.some(({ name }) => name === place.topic)
    return (this.#stopped !== undefined && !this.#goesBack) || (isSource && this.stuck !== undefined)
  }

  /** Why it is not running, or reads no more, if so. */
  get trouble(): string | undefined {
    if (this.#stopped) return `task ${this.id}: ${this.#stopped.message}`
    return this.stuck === undefined ? undefined : `task ${this.id} reads no more: ${this.stuck}`
  }

  /** Restores the task and starts it. @throws what is wrong with a component's set-up, or with the state */
  async start(): Promise<void> {
    const { broker, plan, partition, guards } = this.#parts
    const state = await broker.state(plan.name, stateOf(partition))
    const global = await readGlobals(plan, broker)
    const marking = await checkShapes(this.#parts, state)
    const positions = await broker.committed(plan.name)
    if (this.#closed) return
    const committed = (place: TopicPartition) =>
      positions.find(({ topic, partition }) => topic === place.topic && partition === place.partition)?.offset
    this.#refusals.restart()
    const task = new Task(
      { ...this.#parts, broker: marking, state, global, committed, refusals: this.#refusals },
      guards,
    )
    task.stopped.subscribe((reason) => this.#suspend(reason))
    task.worked.subscribe(() => this.#parts.changed())
    this.#task = task
    this.#order = this.#ordered.length === 0 ? undefined : this.#orderFor(task, committed)
    this.#stopped = undefined
    task.resume()
  }

  /** @returns whether the task can take more */
  async process(batch: Batch): Promise<boolean> {
    this.#batches++
    try {
      if (this.#order && this.#ordered.includes(batch.topic)) await this.#order.process(batch)
      else await this.#task!.process({ records: batch.records, passed: [batch] })
      this.#restarts = 0
      return !this.#closed
    } catch (thrown) {
      if (thrown instanceof TaskStopped) return false
      throw thrown
    } finally {
      this.#batches--
    }
  }

  async flush(): Promise<void> {
    await this.#task?.flush()
  }

  /** Abandons what is not committed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#order?.close(new TaskStopped('the task was closed'))
    await this.#task?.close()
  }

  #orderFor(task: Task, committed: TaskParts['committed']): TimeOrder {
    const process = (intake: Intake) => task.process(intake)
    const failed = (reason: TaskStopped) => task.stop(reason)
    return new TimeOrder({ ...this.#parts, committed, process, failed }, this.#ordered)
  }

  /** The task stopped. */
  #suspend(reason: TaskStopped): void {
    this.#order?.close(reason)
    if (this.#closed) return
    if (reason.refused.length > 0 && this.#refusals.learn(reason.refused)) this.#goBack(reason)
    else this.#pause(reason)
  }

  /** What was refused will be dead-lettered, or shortened, when it comes again: at once. */
  #goBack({ refused }: TaskStopped): void {
    const { log, suspended } = this.#parts
    this.#goesBack = true
    suspended(this)
    log.warn(
      { task: this.id, refused: refused.length },
      `Task ${this.id} goes back to its last commit, to dead-letter what is refused for good (${refused.length}): ${refused[0]!.reason}`,
    )
    void this.#restart()
  }

  /** Says so, and starts it again after a pause that grows. */
  #pause(reason: TaskStopped): void {
    const { log, once, scheduler, signal, changed, suspended } = this.#parts
    this.#stopped = reason
    this.#goesBack = false
    suspended(this)
    const pause = pauseAfter(++this.#restarts)
    log.error(
      { task: this.id, ...(!once && { again: pause }) },
      `Task ${this.id} stopped, nothing of its unit was committed: ${reason.message}`,
    )
    changed()
    if (!once) void sleep(pause, scheduler, signal).then(() => this.#restart())
  }

  async #restart(): Promise<void> {
    this.#goesBack = true
    await this.#task?.close()
    if (this.#closed || this.#parts.signal.aborted) return
    try {
      await this.start()
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      return this.#suspend(new TaskStopped(message, { cause: thrown }))
    }
    if (this.#closed) return void (await this.#task?.close())
    this.#goesBack = false
    this.#parts.restarted(this)
    this.#parts.changed()
  }
}

/** The tasks that places feed and that have no slot yet. */
export const unserved = (
  subtopologies: readonly Subtopology[],
  places: readonly TopicPartition[],
  slots: readonly Slot[],
): readonly Pick<Slot, 'subtopology' | 'partition'>[] =>
  subtopologies.flatMap((subtopology) =>
    [...new Set(places.map(({ partition }) => partition))]
      .filter((partition) => isFed(subtopology, partition, places))
      .filter((partition) => !slots.some((slot) => slot.subtopology === subtopology && slot.partition === partition))
      .map((partition) => ({ subtopology, partition })),
  )

/** Whether one of the places feeds a sub-topology's task of a partition. */
const isFed = (subtopology: Subtopology, partition: number, places: readonly TopicPartition[]): boolean =>
  places.some((place) => place.partition === partition && inputsOf(subtopology).includes(place.topic))
