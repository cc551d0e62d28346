import { setTimeout } from 'node:timers/promises'
import type { Log } from '../../../component/context.ts'
import { Meter, sumOfMeters } from '../../../topology/meter.ts'
import { pauseAfter } from '../../../topology/pause.ts'
import type { PipelineStatus, ThreadLag } from '../../../topology/running.ts'
import type { StoreAnswer, StoreQuery } from '../../../topology/stores.ts'
import type { Answers, Assignment } from './messages.ts'
import { RunningWorker, ThreadDied } from './worker.ts'

export interface PlaceParts {
  readonly assignment: Assignment
  /** Takes the lines of a worker's log. */
  readonly write: (line: string) => void
  readonly log: Log
}

/** Milliseconds that a worker may take for an answer before it is said that it gives none. */
const patience = 2_000
/** Who lived for so long, in milliseconds, does not die for the same reason again and again. */
const stable = 60_000

const nothing: PipelineStatus = { started: false, troubles: [], meter: new Meter(), shares: [] }

/** The place of a worker thread: when the worker dies, a new one comes after a pause. */
export class ThreadPlace {
  readonly #parts: PlaceParts
  readonly #ending = new AbortController()
  readonly #started = new Set<number>()
  /** What each pipeline of the worker showed last. */
  readonly #shown = new Map<number, PipelineStatus>()
  /** What workers counted that have died. */
  readonly #past = new Map<number, PipelineStatus['meter']>()
  #worker: RunningWorker
  #bornAt = Date.now()
  #deaths = 0
  #failure: Error | undefined
  #address: string | undefined

  constructor(parts: PlaceParts) {
    this.#parts = parts
    this.#worker = this.#spawn()
  }

  /** Why no worker is here, if so. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Says where the process answers over HTTP, to this worker and those that come after it. */
  announce(address: string): void {
    this.#address = address
  }

  /** @throws Error why the pipeline cannot start */
  async start(pipeline: number): Promise<void> {
    await this.#startIn(this.#worker, pipeline)
    this.#started.add(pipeline)
  }

  /** @throws Error what went wrong, or ThreadDied */
  ask<Call extends keyof Answers>(call: Call, pipeline: number, settled?: boolean): Promise<Answers[Call]> {
    return this.#worker.ask(call, pipeline, { settled: settled ?? false })
  }

  /** What a pipeline shows here; where the worker does not answer, what it showed last, and that as a trouble. */
  async status(pipeline: number): Promise<PipelineStatus> {
    const status = await this.#askSoon('status', pipeline)
    if (status) this.#shown.set(pipeline, status)
    const shown = this.#shown.get(pipeline) ?? { ...nothing, started: this.#started.has(pipeline) }
    const troubles = [...shown.troubles, ...this.#troubles(status !== undefined)]
    return { ...shown, troubles, meter: sumOfMeters([shown.meter, this.#past.get(pipeline) ?? nothing.meter]) }
  }

  /** How far it has come in its partitions; none where it does not answer. */
  async lag(pipeline: number): Promise<readonly ThreadLag[]> {
    return (await this.#askSoon('lag', pipeline)) ?? []
  }

  /** What it has of a pipeline's state; nothing where it does not answer. */
  async stores(pipeline: number, query: StoreQuery): Promise<StoreAnswer | undefined> {
    return this.#askSoon('stores', pipeline, query)
  }

  /** Has the worker end, whose pipelines are stopped. */
  async end(): Promise<void> {
    this.#ending.abort()
    if (!this.#failure) await this.#worker.end()
  }

  #startIn(worker: RunningWorker, pipeline: number): Promise<void> {
    return worker.ask('start', pipeline, { ...(this.#address !== undefined && { address: this.#address }) })
  }

  /** @returns undefined where the worker is dead, or does not answer in time */
  async #askSoon<Call extends keyof Answers>(
    call: Call,
    pipeline: number,
    query?: StoreQuery,
  ): Promise<Answers[Call] | undefined> {
    const late = setTimeout(patience, undefined, { ref: false })
    try {
      return await Promise.race([this.#worker.ask(call, pipeline, { ...(query && { query }) }), late])
    } catch (thrown) {
      if (thrown instanceof ThreadDied) return undefined
      throw thrown
    }
  }

  #troubles(answers: boolean): string[] {
    const { thread } = this.#parts.assignment
    if (answers || this.#ending.signal.aborted) return []
    return [`thread ${thread}: ${this.#failure?.message ?? 'it does not answer; something keeps it busy'}`]
  }

  #spawn(): RunningWorker {
    const { assignment, write } = this.#parts
    const worker = new RunningWorker(assignment, write)
    this.#bornAt = Date.now()
    this.#failure = undefined
    void worker.ended.then((reason) => this.#died(reason))
    return worker
  }

  async #died(reason: Error): Promise<void> {
    const { assignment, log } = this.#parts
    if (this.#ending.signal.aborted) return
    this.#failure = reason
    this.#deaths = Date.now() - this.#bornAt > stable ? 1 : this.#deaths + 1
    for (const [pipeline, { meter }] of this.#shown) {
      this.#past.set(pipeline, sumOfMeters([meter, this.#past.get(pipeline) ?? nothing.meter]))
      this.#shown.delete(pipeline)
    }
    // Before it ran, whoever started it says so.
    if (this.#started.size === 0) return
    const again = assignment.once ? undefined : pauseAfter(this.#deaths)
    log.error(
      { thread: assignment.thread, ...(again && { again }) },
      `Thread ${assignment.thread} has died, nothing is lost, its partitions go to the other members of its groups: ${reason.message}`,
    )
    if (again) await this.#rise(again)
  }

  /** A new worker, after so many milliseconds. */
  async #rise(pause: number): Promise<void> {
    const { signal } = this.#ending
    await setTimeout(pause, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const worker = this.#spawn()
    this.#worker = worker
    try {
      for (const pipeline of this.#started) await this.#startIn(worker, pipeline)
    } catch (thrown) {
      worker.kill(thrown as Error)
    }
  }
}
