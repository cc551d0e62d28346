import {
  firstValueFrom,
  fromEvent,
  map,
  of,
  race,
  Subject,
  timer,
  type Observable,
  type SchedulerLike,
  type Subscription,
} from 'rxjs'
import type { Batch, TopicPartition } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import { timestampOf } from './contents.ts'
import { Outstanding, type OutstandingParts } from './outstanding.ts'
import { PartitionGroup, type Intake } from './partitionGroup.ts'
import { sourcesByName, type Subtopology } from './plan.ts'
import { meetingsOf } from './copartition.ts'
import { TaskStopped } from './taskStopped.ts'

export interface TimeOrderParts extends OutstandingParts {
  readonly scheduler: SchedulerLike
  readonly log: Log
  /** Aborts when the pipeline stops. */
  readonly signal: AbortSignal
  /** Emits whenever something has happened in this process that an input may have waited for. */
  readonly changes: Observable<void>
  /** Where the group goes on in a partition; undefined where it never committed. */
  readonly committed: (place: TopicPartition) => bigint | undefined
  /** Runs an intake to its outcomes and commits it. @throws TaskStopped */
  readonly process: (intake: Intake) => Promise<void>
  /** It cannot be told what an input is still to bring: the task must stop. */
  readonly failed: (reason: TaskStopped) => void
}

/**
 * Milliseconds for which an input is waited for that has more to come while nothing of it moves. A task that stopped has been
 * started again three times by then, after 1, 2 and 4 seconds: what has not moved since waits for somebody to do something.
 */
const patience = 10_000
/** Milliseconds after which it is looked again: what another process does is not told. */
const lookEvery = 50

/**
 * The topics whose records a sub-topology takes in the order of time: all of its sources where records of two of them meet by
 * their keys, in a step or a table, so that what comes of them depends on which is first. None where nothing does.
 * Those of retry topics wait until they are due in any case.
 */
export function inTimeOrder(subtopology: Subtopology): readonly string[] {
  const own = subtopology.sources.filter(({ retriesOf }) => retriesOf === undefined).map(({ name }) => name)
  const meets = meetingsOf(subtopology).some(({ sources }) => own.filter((name) => sources.includes(name)).length > 1)
  return meets ? own : []
}

/** Hands batches of several inputs to their task as units whose records are in the order of time, as far as they are there. */
export class TimeOrder {
  readonly #parts: TimeOrderParts
  readonly #group: PartitionGroup
  /** Those who brought the batches that wait, by topic. */
  readonly #bringers = new Map<string, PromiseWithResolvers<void>>()
  readonly #happened = new Subject<void>()
  readonly #changes: Subscription
  #events = 0
  #arrivals = 0
  #working = false
  #closed = false
  /** How things stood when waiting was given up: it is not waited for again until something has moved. */
  #givenUp: string | undefined

  constructor(parts: TimeOrderParts, topics: readonly string[]) {
    this.#parts = parts
    const { partition, changes, committed, subtopology } = parts
    const sources = sourcesByName(subtopology.sources)
    this.#group = new PartitionGroup(
      topics.map((topic) => ({ topic, partition })),
      committed,
      (record) => timestampOf(record, sources.get(record.topic)!),
    )
    this.#happened.subscribe(() => this.#events++)
    this.#changes = changes.subscribe(() => this.#happened.next())
  }

  /** Takes a batch of one of the inputs; resolves when all of it is committed and the task can take more. @throws TaskStopped */
  async process(batch: Batch): Promise<void> {
    if (this.#closed) throw new TaskStopped('the task was closed')
    this.#group.add(batch)
    this.#arrivals++
    this.#happened.next()
    if (batch.records.length === 0) return this.#parts.process({ records: [], passed: [batch] })
    const bringer = Promise.withResolvers<void>()
    this.#bringers.set(batch.topic, bringer)
    if (!this.#working) void this.#work()
    return bringer.promise
  }

  /** Drops what waits: it comes again, from what is committed. */
  close(reason: unknown): void {
    this.#closed = true
    this.#changes.unsubscribe()
    this.#happened.next()
    for (const { reject } of this.#bringers.values()) reject(reason)
    this.#bringers.clear()
  }

  async #work(): Promise<void> {
    this.#working = true
    try {
      while (this.#group.any && !this.#closed) {
        if (!(await this.#isWhole())) continue
        const intake = this.#group.take()
        await this.#parts.process(intake)
        this.#release(intake)
      }
    } catch (thrown) {
      this.#fail(thrown)
    } finally {
      this.#working = false
    }
  }

  #fail(thrown: unknown): void {
    if (thrown instanceof TaskStopped) return this.close(thrown)
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    this.#parts.failed(new TaskStopped(message, { cause: thrown }))
  }

  /** Those go on whose batches are used up. */
  #release({ passed }: Intake): void {
    const missing = this.#group.missing
    for (const { topic } of passed) {
      if (!missing.includes(topic)) continue
      this.#bringers.get(topic)?.resolve()
      this.#bringers.delete(topic)
    }
  }

  /** Whether the next record of each input is there, or is not to come yet; false when that is to be asked anew. */
  async #isWhole(): Promise<boolean> {
    const { scheduler } = this.#parts
    const missing = this.#group.missing
    if (missing.length === 0) return true
    const arrivals = this.#arrivals
    const outstanding = new Outstanding(this.#parts, missing)
    let before: string | undefined
    let since = scheduler.now()
    for (;;) {
      const events = this.#events
      const standing = await this.#look(outstanding)
      if (this.#closed || arrivals !== this.#arrivals) return false
      if (standing === undefined || standing === this.#givenUp) return true
      if (standing !== before) since = scheduler.now()
      else if (scheduler.now() - since >= patience) return this.#giveUp(missing, standing)
      before = standing
      if (events === this.#events) await firstValueFrom(race(this.#happened, timer(lookEvery, scheduler)))
    }
  }

  /** A broker that is away may answer late: who stops does not wait for that. @throws TaskStopped */
  async #look(outstanding: Outstanding): Promise<string | undefined> {
    const { signal } = this.#parts
    const stopped = signal.aborted ? of(undefined) : fromEvent(signal, 'abort').pipe(map(() => undefined))
    const standing = await firstValueFrom(
      race(
        stopped,
        outstanding.look(() => this.#group.received),
      ),
    )
    if (signal.aborted) throw new TaskStopped('the pipeline stops')
    return standing
  }

  #giveUp(missing: readonly string[], standing: string): true {
    const { subtopology, partition, log } = this.#parts
    const task = `${subtopology.id}_${partition}`
    this.#givenUp = standing
    log.info(
      { task, inputs: missing },
      `Task ${task} goes on without ${missing.join(', ')}: there is more to come, and nothing of it has moved for ${patience / 1_000} s. Records that come of it later are taken out of the order of time.`,
    )
    return true
  }
}
