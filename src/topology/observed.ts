import type { Broker } from '../broker/broker.ts'
import { conservationOf, countsOf } from './conservation.ts'
import { Meter } from './meter.ts'
import type { Plan } from './plan.ts'
import type { PipelineStatus, RunningPipeline } from './running.ts'
import { entriesOf, storesOf, type StoreAnswer, type StoreQuery } from './stores.ts'

/** A pipeline that runs elsewhere, if it runs, as far as its broker shows it. It starts and stops nothing. */
export class ObservedPipeline implements RunningPipeline {
  readonly plan: Plan
  readonly #broker: Broker

  constructor(plan: Plan, broker: Broker) {
    this.plan = plan
    this.#broker = broker
  }

  get name(): string {
    return this.plan.name
  }

  async status(): Promise<PipelineStatus> {
    return { started: true, troubles: [], meter: new Meter(), shares: [] }
  }

  async lag(): Promise<readonly []> {
    return []
  }

  async stores(query: StoreQuery): Promise<StoreAnswer> {
    const tasks = [...new Set((await this.#broker.stores(this.name)).map(({ task }) => task))]
    const partitions = tasks.filter((task) => /^\d+$/.test(task)).map(Number)
    const own = { partitions: [...new Set(partitions)].toSorted((a, b) => a - b), stores: [], entries: [] }
    if ('store' in query) return { ...own, entries: await entriesOf(this.#broker, this.name, tasks, query) }
    return { ...own, stores: await storesOf(this.#broker, this.name, query) }
  }

  async conservation() {
    return conservationOf(this.plan, await countsOf(this.#broker, this.name))
  }

  async start(): Promise<void> {}
  async quiet(): Promise<void> {}
  async flush(): Promise<void> {}
  async stop(): Promise<void> {}
}
