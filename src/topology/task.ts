import { filter, firstValueFrom, fromEvent, race, Subject, timer } from 'rxjs'
import {
  OutputsRefused,
  type Broker,
  type GroupMember,
  type StateChange,
  type StateReader,
  type TopicPartition,
} from '../broker/broker.ts'
import type { Receipt } from '../component/sink.ts'
import type { FloodGuard } from '../deadletter/flood.ts'
import { Fault, RecordedFault } from '../record/fault.ts'
import type { Record } from '../record/record.ts'
import { tellExpired } from './expired.ts'
import { Flow } from './flow.ts'
import type { Intake } from './partitionGroup.ts'
import type { Refusals } from './refusals.ts'
import type { SharedSinks } from './sinks.ts'
import type { Standing } from './standing.ts'
import { TaskStopped } from './taskStopped.ts'
import { Trimmer } from './trim.ts'
import type { SinkNode, WiringParts } from './wire.ts'

export interface TaskParts extends WiringParts {
  /** The term in which the partition is this process's. */
  readonly member: GroupMember | undefined
  readonly broker: Broker
  /** The task's own, as it is committed. */
  readonly state: StateReader
  /** Where the group goes on in a partition; undefined where it never committed. */
  readonly committed: (place: TopicPartition) => bigint | undefined
  readonly sinks: SharedSinks
  /** What was refused of what is not committed yet. */
  readonly refusals: Refusals
}

/** What a flow asks of its task. */
export interface FlowHost {
  /** Runs what an asynchronous operator or a timer brought, as soon as no commit is under way. */
  whenFree(action: () => void): void
  /** A fault says that the task must stop. */
  halt(message: string, fault: Fault): void
}

/** Milliseconds that a commit waits for asynchronous calls before it keeps their records as under way. */
const patience = 100

/**
 * One partition of one sub-topology with its own operator state. Records are fed in, run through RxJS to their outcomes,
 * and all that came of them is committed as one unit.
 */
export class Task {
  readonly #parts: TaskParts
  readonly #guards: ReadonlyMap<string, FloodGuard>
  readonly #flow: Flow
  readonly #trimmer: Trimmer
  /** While a unit is being committed, what happens meanwhile waits here for the next. */
  #behind: (() => void)[] | undefined
  #work: Promise<void> = Promise.resolve()
  #working = false
  #commitAsked = false
  readonly #closed = new TaskStopped('the task was closed')
  #reason: TaskStopped | undefined
  readonly #workDone = new Subject<void>()
  readonly #failure = new Subject<TaskStopped>()

  /** Emits after every piece of work, committed or not. */
  readonly worked = this.#workDone.asObservable()
  /** Emits once if the task stops by itself. */
  readonly stopped = this.#failure.asObservable()

  /** @param guards the flood guards of the sources that have one; they outlive a stopped task */
  constructor(parts: TaskParts, guards: ReadonlyMap<string, FloodGuard>) {
    this.#parts = parts
    this.#guards = guards
    this.#trimmer = new Trimmer(parts)
    this.#flow = new Flow(parts, guards, {
      whenFree: (action) => this.#whenFree(action),
      halt: (message, cause) => this.stop(new TaskStopped(message, { cause })),
    })
  }

  /** How things stand with its source records. */
  get standing(): Standing {
    return this.#flow.standing
  }

  /** Whether calls or commits are under way, which end by themselves, without more input and without a timer. */
  get busy(): boolean {
    return this.#flow.calls > 0 || this.#commitAsked || this.#working
  }

  /** Takes up the records that were under way when the task committed last. */
  resume(): void {
    if (this.#flow.restore()) this.#commitSoon()
  }

  /** Runs an intake to its outcomes and commits; resolves when the task can take more of its sources. @throws TaskStopped */
  async process({ records, passed }: Intake): Promise<void> {
    await this.#exclusively(async () => {
      for (const part of passed) tellExpired(part, this.#flow.draft, this.#parts.log)
      for (const record of records) {
        if (this.#reason) return
        this.#flow.feed(record)
      }
      records.length = 0 // They would be in memory until the commit has ended, for as long as all that is made of them.
      for (const { topic, partition, next } of passed) this.#flow.draft.position({ topic, partition, offset: next })
      await this.#commit()
    })
    await Promise.all(passed.map((part) => this.#passed(part)))
    if (this.#reason) throw this.#reason
  }

  /** A unit was committed that passes a part of an input. */
  async #passed({ topic, partition, next }: Intake['passed'][number]): Promise<void> {
    const source = this.#parts.subtopology.sources.find(({ name }) => name === topic)
    if (source?.origins && !this.#reason) this.#trimmer.committed({ topic, partition, offset: next })
    if (source) await this.#room(topic)
    else await this.#crowdEnds()
  }

  /** Waits until there is room for more of a source. */
  async #room(source: string): Promise<void> {
    const { signal } = this.#parts
    while (!this.#reason && this.#flow.standing.full && !signal.aborted) {
      this.#tell(source, this.#flow.standing.obstructed)
      await firstValueFrom(race(this.#flow.progress, this.#failure, fromEvent(signal, 'abort')))
    }
    if (!this.#flow.standing.full) this.#tell(source, false)
  }

  /** Waits until there is room for more of what comes by a lane: what is parked is none of its business. */
  async #crowdEnds(): Promise<void> {
    const { signal } = this.#parts
    while (!this.#reason && this.#flow.standing.crowded && !signal.aborted)
      await firstValueFrom(race(this.#flow.progress, this.#failure, fromEvent(signal, 'abort')))
  }

  /** Says that a source pauses because too much is parked, or that it goes on. */
  #tell(source: string, paused: boolean): void {
    if (!this.#flow.pauses.set(source, paused)) return
    const { log, partition } = this.#parts
    const place = { source, partition }
    if (paused) log.error(place, `${source}, partition ${partition}, pauses: ${this.#flow.standing.parked}`)
    else log.info(place, `${source}, partition ${partition}, goes on.`)
    this.#commitSoon()
  }

  /** Ends the input of every operator, so that those which hold records until more come let them go. */
  async flush(): Promise<void> {
    this.#flow.flush()
    await this.#exclusively(() => this.#commit())
  }

  /** Commits no more, and says why. */
  stop(reason: TaskStopped): void {
    if (this.#reason) return
    this.#reason = reason
    this.#failure.next(reason)
  }

  /** Abandons what is not committed, except for a unit whose records a sink was given already: it would be given them again. */
  async close(): Promise<void> {
    this.#reason ??= this.#closed
    this.#flow.close()
    await this.#work
    await this.#trimmer.end()
  }

  /** Runs now, or after the commit that is under way; then what came of it is committed as well. */
  #whenFree(action: () => void): void {
    if (this.#reason) return
    if (this.#behind) return void this.#behind.push(action)
    action()
    this.#commitSoon()
  }

  #commitSoon(): void {
    if (!this.#working || this.#behind) this.#askForCommit()
  }

  #askForCommit(): void {
    if (this.#commitAsked) return
    this.#commitAsked = true
    queueMicrotask(() => void this.#exclusively(() => this.#commit()))
  }

  /** One after another; the first that throws stops the task. */
  #exclusively(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (this.#reason) return
      this.#working = true
      try {
        await work()
      } catch (thrown) {
        const message = thrown instanceof Error ? thrown.message : String(thrown)
        this.stop(thrown instanceof TaskStopped ? thrown : new TaskStopped(message, { cause: thrown }))
      } finally {
        this.#working = false
        this.#workDone.next()
      }
    })
    return this.#work
  }

  async #commit(): Promise<void> {
    this.#commitAsked = false
    if (this.#flow.calls > 0) await this.#callsEnd()
    if (this.#reason) return
    this.#judge()
    this.#behind = []
    const writes = this.#flow.draft.takeWrites()
    const release = writes.size > 0 ? await this.#parts.sinks.lock() : () => {}
    try {
      await this.#publish(writes)
    } finally {
      release()
    }
    const behind = this.#behind
    this.#behind = undefined
    for (const action of behind) action()
    if (behind.length > 0) this.#askForCommit()
  }

  /** Writes to the sinks and commits; if either fails, the sinks go back to where the last commit left them. */
  async #publish(writes: ReadonlyMap<SinkNode, readonly Record[]>): Promise<void> {
    const { sinks } = this.#parts
    try {
      this.#throwIfStopped()
      for (const [end, records] of writes) await this.#flush(end, records)
      this.#judge()
      if (this.#reason !== this.#closed) this.#throwIfStopped()
      await this.#commitUnit(sinks.positions([...writes.keys()].map(({ sink }) => sink.id)))
    } catch (thrown) {
      if (writes.size > 0) await sinks.close()
      throw thrown
    }
  }

  #throwIfStopped(): void {
    if (this.#reason) throw this.#reason
  }

  async #commitUnit(positions: readonly StateChange[]): Promise<void> {
    const committed = this.#commitTaken(positions)
    if (!committed) return
    await committed
    this.#parts.refusals.committed()
    this.#parts.meter.commits++
  }

  /** Whoever waits for this has nothing of the unit: the broker may be done with its objects long before it is committed. */
  #commitTaken(positions: readonly StateChange[]): Promise<void> | undefined {
    const unit = this.#flow.takeUnit(positions)
    return unit && this.#parts.broker.commit(unit).catch((thrown: unknown) => this.#failed(thrown))
  }

  #failed(thrown: unknown): never {
    if (!(thrown instanceof OutputsRefused)) throw thrown
    throw new TaskStopped(thrown.message, { cause: thrown, refused: this.#flow.draft.refused(thrown.reasons) })
  }

  /** Waits until the calls of asynchronous operators have ended, but not for long. */
  async #callsEnd(): Promise<void> {
    const ended = this.#flow.progress.pipe(filter(() => this.#flow.calls === 0))
    await firstValueFrom(race(ended, timer(patience, this.#parts.scheduler), this.#failure))
  }

  /** Before anything of a unit is published: too many dead letters are an outage, not poison. */
  #judge(): void {
    for (const [source, verdicts] of this.#flow.draft.takeVerdicts()) {
      if (this.#guards.get(source)!.admits(verdicts)) continue
      const dead = verdicts.filter(Boolean).length
      const message = `${source}: ${dead} of the last ${verdicts.length} records failed, more than its flood guard (deadLetters.halt) allows; they stay in the topic.`
      throw new TaskStopped(message, { flooded: source })
    }
  }

  async #flush(end: SinkNode, records: readonly Record[]): Promise<void> {
    const receipts: readonly (Receipt | undefined)[] =
      (await this.#parts.sinks.write(end.sink, records, this.#parts)) ?? []
    records.forEach((record, at) => {
      const receipt = receipts[at]
      if (receipt === 'written') this.#flow.written(end, record, undefined)
      else this.#flow.written(end, record, receipt instanceof Fault ? receipt : noReceipt(end.sink.id))
    })
  }
}

const noReceipt = (sink: string): Fault =>
  new RecordedFault('sink.no_receipt', `${sink} did not say whether it wrote the record.`, 'retry')
