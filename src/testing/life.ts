import type { SchedulerLike } from 'rxjs'
import type { Broker } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import type { Record } from '../record/record.ts'
import { allQuiet } from '../topology/allQuiet.ts'
import { Pipeline } from '../topology/pipeline.ts'
import type { Plan } from '../topology/plan.ts'
import { planRetry } from '../topology/retryTopic.ts'
import type { RecordFaults } from './recordFaults.ts'
import { stubMonitor, stubPlan, type Capture } from './stub.ts'
import type { UnitFaults } from './unitFaults.ts'

export interface LifeParts {
  readonly plan: Plan
  readonly monitor: ((broker: Broker) => Plan | undefined) | undefined
  readonly broker: Broker
  readonly scheduler: SchedulerLike
  readonly log: Log
  readonly capture: Capture
  readonly recordFaults: RecordFaults
  readonly unitFaults: UnitFaults
}

/** What a process runs from its start to its end, or until it crashes: a pipeline, its retry pipeline and its monitor. */
export class Life {
  readonly pipeline: Pipeline
  /** It and its retry pipeline. */
  readonly running: readonly Pipeline[]
  readonly #monitor: Pipeline | undefined
  readonly #crashed: Promise<void>
  readonly #alive: () => boolean

  constructor({ plan, monitor, scheduler, log, capture, recordFaults, unitFaults, ...parts }: LifeParts) {
    const { broker, crashed, alive } = unitFaults.mortal(parts.broker)
    this.#crashed = crashed
    this.#alive = alive
    const whileAlive = (sink: string, record: Record) => {
      if (alive()) capture(sink, record)
    }
    const own = { broker, scheduler, log, once: false }
    const stubbed = stubPlan(plan, whileAlive, recordFaults)
    this.pipeline = new Pipeline({ ...own, plan: stubbed })
    const retry = planRetry(stubbed)
    this.running = [this.pipeline, ...(retry ? [new Pipeline({ ...own, plan: retry })] : [])]
    const watching = monitor?.(broker)
    this.#monitor = watching && new Pipeline({ ...own, plan: stubMonitor(watching, whileAlive) })
  }

  /** Whether the process has died in the middle of a unit. */
  get crashed(): boolean {
    return !this.#alive()
  }

  async start(): Promise<void> {
    for (const pipeline of this.running) await pipeline.start()
    await this.#monitor?.start()
  }

  /** Until all of it is quiet, or it has died. */
  quiet(): Promise<unknown> {
    return Promise.race([this.#crashed, allQuiet(this.running).then(() => this.#monitor?.quiet())])
  }

  async flush(): Promise<void> {
    for (const pipeline of this.running) await pipeline.flush()
  }

  async stop(): Promise<void> {
    await Promise.all([this.#monitor?.stop(), ...this.running.map((pipeline) => pipeline.stop())])
  }
}
