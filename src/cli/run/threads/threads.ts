import type { Broker } from '../../../broker/broker.ts'
import type { Plan } from '../../../topology/plan.ts'
import type { Assignment } from './messages.ts'
import { ThreadedPipeline } from './pipeline.ts'
import { ThreadPlace, type PlaceParts } from './place.ts'

export interface ThreadsParts extends Omit<PlaceParts, 'assignment'> {
  readonly count: number
  /** Whether the counts of the pipelines are exact: not at least once, after a crash. */
  readonly exact: boolean
  readonly assignment: Omit<Assignment, 'thread'>
}

/** The worker threads of a process, which all run the same pipelines. */
export class Threads {
  readonly #places: readonly ThreadPlace[]
  readonly #exact: boolean

  constructor({ count, exact, assignment, ...parts }: ThreadsParts) {
    this.#exact = exact
    this.#places = Array.from(
      { length: count },
      (_, at) => new ThreadPlace({ ...parts, assignment: { ...assignment, thread: at + 1 } }),
    )
  }

  /** One pipeline per plan, in the order of the configs. @param broker for what is asked of the group as a whole */
  pipelines(plans: readonly Plan[], broker: Broker): readonly ThreadedPipeline[] {
    const parts = { threads: this.#places, broker, exact: this.#exact }
    return plans.map((plan, number) => new ThreadedPipeline({ ...parts, plan, number }))
  }

  /** Says where this process answers over HTTP, before the pipelines are started. */
  announce(address: string): void {
    for (const place of this.#places) place.announce(address)
  }

  /** Ends them, once their pipelines are stopped. */
  async end(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.end()))
  }
}
