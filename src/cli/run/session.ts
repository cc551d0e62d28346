import { asyncScheduler } from 'rxjs'
import type { Broker } from '../../broker/broker.ts'
import { catalog } from '../../catalog.ts'
import type { Log } from '../../component/context.ts'
import type { Ledger } from '../../deadletter/ledger/ledger.ts'
import { planMonitor } from '../../monitor/plan.ts'
import { allQuiet } from '../../topology/allQuiet.ts'
import { conservationOf, countsOf, type Conservation } from '../../topology/conservation.ts'
import { Pipeline } from '../../topology/pipeline.ts'
import type { RunningPipeline } from '../../topology/running.ts'
import { CommandFailure } from '../failure.ts'
import type { PlannedFile } from '../plans.ts'
import { plansOf, type Role } from './roles.ts'
import type { Threads } from './threads/threads.ts'

export interface SessionParts {
  readonly planned: readonly PlannedFile[]
  readonly broker: Broker
  /** What becomes of the dead letters there. */
  readonly ledger: Ledger
  readonly log: Log
  /** Poll each polled source once, and end when all is done. */
  readonly untilIdle: boolean
  /** The part of it that this process has; all when absent. */
  readonly role?: Role | undefined
  /** The worker threads that the pipelines run in; they run in this thread when absent. */
  readonly threads?: Threads
}

/** What one `oxbow run` runs: the pipelines of its configs, their retry pipelines, and a monitor for each that has alerts. */
export class Session {
  /** Those of this process, monitors left out. */
  readonly pipelines: readonly RunningPipeline[]
  readonly #parts: SessionParts
  readonly #monitors: readonly RunningPipeline[]
  readonly #started: RunningPipeline[] = []
  #stopping = false

  constructor(session: SessionParts) {
    const { planned, broker, ledger, log, untilIdle, role, threads } = session
    const parts = { broker, scheduler: asyncScheduler, log, once: untilIdle }
    const plans = plansOf(planned, role)
    this.#parts = session
    this.pipelines = threads?.pipelines(plans, broker) ?? plans.map((plan) => new Pipeline({ ...parts, plan }))
    const monitored = role === 'retry' ? [] : planned
    this.#monitors = monitored.flatMap(({ file, plan }) => {
      const monitor = planMonitor({ file, plan, broker, ledger, catalog })
      return monitor ? [new Pipeline({ ...parts, plan: monitor })] : []
    })
  }

  /** Pipelines and monitors. */
  get all(): readonly RunningPipeline[] {
    return [...this.pipelines, ...this.#monitors]
  }

  /** Why parts of it are not running, each with its pipeline. */
  async troubles(): Promise<readonly string[]> {
    const told = this.all.map(async (pipeline) => {
      const { troubles } = await pipeline.status()
      return troubles.map((trouble) => `${pipeline.name}: ${trouble}`)
    })
    return (await Promise.all(told)).flat()
  }

  /**
   * @param address host:port where other members of the groups reach this process, if they do
   * @throws CommandFailure naming the pipeline that cannot start
   */
  async start(address?: string): Promise<void> {
    if (address !== undefined) {
      this.#parts.broker.announce(address)
      this.#parts.threads?.announce(address)
    }
    // Until idle, the monitors look once, at the end.
    await this.#start(this.#parts.untilIdle ? this.pipelines : this.all)
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
    await this.#parts.threads?.end()
  }

  /** Of the configs, what their retry pipelines did of it included. */
  async conservation(): Promise<readonly { readonly pipeline: string; readonly rows: readonly Conservation[] }[]> {
    const { planned, broker } = this.#parts
    return Promise.all(
      planned.map(async ({ plan }) => {
        return { pipeline: plan.name, rows: conservationOf(plan, await countsOf(broker, plan.name)) }
      }),
    )
  }

  async #start(pipelines: readonly RunningPipeline[]): Promise<void> {
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
