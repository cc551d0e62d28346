import { asyncScheduler } from 'rxjs'
import type { Broker } from '../../broker/broker.ts'
import { catalog } from '../../catalog.ts'
import type { Log } from '../../component/context.ts'
import { planMonitor } from '../../monitor/plan.ts'
import { allQuiet } from '../../topology/allQuiet.ts'
import { Pipeline, type Conservation } from '../../topology/pipeline.ts'
import { planRetry } from '../../topology/retryTopic.ts'
import { CommandFailure } from '../failure.ts'
import type { Plan } from '../../topology/plan.ts'
import type { PlannedFile } from '../plans.ts'

export interface SessionParts {
  readonly planned: readonly PlannedFile[]
  readonly broker: Broker
  readonly log: Log
  /** Poll each polled source once, and end when all is done. */
  readonly untilIdle: boolean
  /** The part of it that this process has; all when absent. */
  readonly role?: Role | undefined
}

/** What may run in a process of its own: everything but the retry pipelines, or these alone. */
export type Role = 'main' | 'retry'

/** What one `oxbow run` runs: the pipelines of its configs, their retry pipelines, and a monitor for each that has alerts. */
export class Session {
  /** Those of this process, monitors left out. */
  readonly pipelines: readonly Pipeline[]
  /** Those of the configs, whose ledgers count for their retry pipelines too. */
  readonly #mains: readonly Pipeline[]
  readonly #monitors: readonly Pipeline[]
  readonly #untilIdle: boolean
  readonly #started: Pipeline[] = []
  #stopping = false

  constructor({ planned, broker, log, untilIdle, role }: SessionParts) {
    const parts = { broker, scheduler: asyncScheduler, log, once: untilIdle }
    const companions = (planOf: (planned: PlannedFile) => Plan | undefined) =>
      planned.flatMap((own) => {
        const plan = planOf(own)
        return plan ? [new Pipeline({ ...parts, plan })] : []
      })
    this.#mains = planned.map(({ plan }) => new Pipeline({ ...parts, plan }))
    const retries = role === 'main' ? [] : companions(({ plan }) => planRetry(plan))
    this.pipelines = role === 'retry' ? retries : [...this.#mains, ...retries]
    this.#monitors =
      role === 'retry' ? [] : companions(({ file, plan }) => planMonitor({ file, plan, broker, catalog }))
    this.#untilIdle = untilIdle
  }

  /** Pipelines and monitors. */
  get all(): readonly Pipeline[] {
    return [...this.pipelines, ...this.#monitors]
  }

  /** Why parts of it are not running, each with its pipeline. */
  get troubles(): readonly string[] {
    return this.all.flatMap(({ name, troubles }) => troubles.map((trouble) => `${name}: ${trouble}`))
  }

  /** @throws CommandFailure naming the pipeline that cannot start */
  async start(): Promise<void> {
    // Until idle, the monitors look once, at the end.
    await this.#start(this.#untilIdle ? this.pipelines : this.all)
  }

  /**
   * Resolves when nothing is left to do: everything read, nothing in flight or waiting, the alerts raised; or when it is
   * stopped before that.
   */
  async idle(): Promise<void> {
    await allQuiet(this.pipelines, { settled: true })
    if (this.#stopping) return
    for (const pipeline of this.pipelines) await pipeline.flush()
    await allQuiet(this.pipelines, { settled: true })
    if (this.#stopping) return
    await this.#start(this.#monitors)
    await allQuiet(this.#monitors, { settled: true })
  }

  /** Stops reading, commits what is in work, leaves the groups. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#started.map((pipeline) => pipeline.stop()))
  }

  async conservation(): Promise<readonly { readonly pipeline: string; readonly rows: readonly Conservation[] }[]> {
    return Promise.all(
      this.#mains.map(async (pipeline) => ({ pipeline: pipeline.name, rows: await pipeline.conservation() })),
    )
  }

  async #start(pipelines: readonly Pipeline[]): Promise<void> {
    for (const pipeline of pipelines) {
      this.#started.push(pipeline)
      try {
        await pipeline.start()
      } catch (cause) {
        throw new CommandFailure(`${pipeline.name} cannot start: ${(cause as Error).message}`, { cause })
      }
    }
  }
}
