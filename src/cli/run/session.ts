import { asyncScheduler } from 'rxjs'
import type { Broker } from '../../broker/broker.ts'
import { catalog } from '../../catalog.ts'
import type { Log } from '../../component/context.ts'
import { planMonitor } from '../../monitor/plan.ts'
import { Pipeline, type Conservation } from '../../topology/pipeline.ts'
import { CommandFailure } from '../failure.ts'
import type { PlannedFile } from '../plans.ts'

export interface SessionParts {
  readonly planned: readonly PlannedFile[]
  readonly broker: Broker
  readonly log: Log
  /** Poll each polled source once, and end when all is done. */
  readonly untilIdle: boolean
}

/** What one `oxbow run` runs: the pipelines of its configs, and a monitor for each that has alerts. */
export class Session {
  readonly pipelines: readonly Pipeline[]
  readonly #monitors: readonly Pipeline[]
  readonly #untilIdle: boolean
  readonly #started: Pipeline[] = []
  #stopping = false

  constructor({ planned, broker, log, untilIdle }: SessionParts) {
    const parts = { broker, scheduler: asyncScheduler, log, once: untilIdle }
    this.pipelines = planned.map(({ plan }) => new Pipeline({ ...parts, plan }))
    this.#monitors = planned.flatMap(({ file, plan }) => {
      const monitor = planMonitor({ file, plan, broker, catalog })
      return monitor ? [new Pipeline({ ...parts, plan: monitor })] : []
    })
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
    await settle(this.pipelines)
    if (this.#stopping) return
    for (const pipeline of this.pipelines) await pipeline.flush()
    await settle(this.pipelines)
    if (this.#stopping) return
    await this.#start(this.#monitors)
    await settle(this.#monitors)
  }

  /** Stops reading, commits what is in work, leaves the groups. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#started.map((pipeline) => pipeline.stop()))
  }

  async conservation(): Promise<readonly { readonly pipeline: string; readonly rows: readonly Conservation[] }[]> {
    return Promise.all(
      this.pipelines.map(async (pipeline) => ({ pipeline: pipeline.name, rows: await pipeline.conservation() })),
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

/** What one pipeline writes another may read: with n of them, n rounds see the last record through. */
async function settle(pipelines: readonly Pipeline[]): Promise<void> {
  for (let round = 0; round < pipelines.length; round++) {
    await Promise.all(pipelines.map((pipeline) => pipeline.quiet({ settled: true })))
  }
}
