import type { Broker } from '../../../broker/broker.ts'
import type { Plan } from '../../../topology/plan.ts'
import type { Assignment } from './messages.ts'
import { ThreadedPipeline } from './pipeline.ts'
import { ThreadPlace, type PlaceParts } from './place.ts'

export interface ThreadsParts extends Omit<PlaceParts, 'assignment'> {
  readonly count: number
  readonly assignment: Omit<Assignment, 'thread'>
}

/** The worker threads of a process, which all run the same pipelines. */
export class Threads {
  readonly #places: readonly ThreadPlace[]

  constructor({ count, assignment, ...parts }: ThreadsParts) {
    this.#places = Array.from(
      { length: count },
      (_, at) => new ThreadPlace({ ...parts, assignment: { ...assignment, thread: at + 1 } }),
    )
  }

  /** One pipeline per plan, in the order of the configs. @param broker for what is asked of the group as a whole */
  pipelines(plans: readonly Plan[], broker: Broker): readonly ThreadedPipeline[] {
    return plans.map((plan, number) => new ThreadedPipeline({ plan, number, threads: this.#places, broker }))
  }

  /** Ends them, once their pipelines are stopped. */
  async end(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.end()))
  }
}
