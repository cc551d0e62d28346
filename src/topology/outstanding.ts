import type { Bounds, Broker, Lag, Position } from '../broker/broker.ts'
import { isDrained } from './drained.ts'
import type { Plan, Subtopology } from './plan.ts'
import { stagesBefore } from './stages.ts'

export interface OutstandingParts {
  readonly plan: Plan
  readonly broker: Pick<Broker, 'bounds' | 'committed'>
  readonly subtopology: Subtopology
  readonly partition: number
  /** How far this process is in each of its partitions. */
  readonly lag: () => Promise<readonly Lag[]>
  /** Whether something here is still to fill a topic, and then to end. */
  readonly isFilling: (topic: string) => boolean
}

/** What inputs of a task that have no record at hand are still to bring of what there was when somebody began to ask. */
export class Outstanding {
  readonly #parts: OutstandingParts
  readonly #inputs: readonly string[]
  readonly #upstream: readonly string[]
  readonly #stages: string[][]
  /** The first of the stages as it was when the ones before it were done. */
  #bounds: readonly Bounds[] | undefined

  /** @param inputs the topics of these inputs */
  constructor(parts: OutstandingParts, inputs: readonly string[]) {
    this.#parts = parts
    this.#inputs = inputs
    this.#stages = stagesBefore(inputs, parts.subtopology, parts.plan)
    this.#upstream = this.#stages.flat()
  }

  /**
   * Looks how things stand.
   * @param received where the inputs go on after what came of them
   * @returns undefined when nothing is to come; else a text that is another one whenever something has moved
   */
  async look(received: () => readonly Position[]): Promise<string | undefined> {
    const open = await this.#open(received)
    if (open !== undefined || this.#stages.length === 0) return open
    for (; this.#stages.length > 0; this.#stages.shift(), this.#bounds = undefined) {
      const left = await this.#left(this.#stages[0]!)
      if (left !== undefined) return left
    }
    return this.#open(received)
  }

  /** How far the group is upstream, where it has not passed all that there was of a stage. */
  async #left(stage: readonly string[]): Promise<string | undefined> {
    const { broker, plan, isFilling } = this.#parts
    if (!stage.some(isFilling)) this.#bounds ??= await broker.bounds(stage)
    const committed = await broker.committed(plan.name)
    if (this.#bounds?.every((own) => isDrained({ ...own, position: own.end }, committed))) return undefined
    return textOf(committed.filter(({ topic }) => this.#upstream.includes(topic)))
  }

  /** How far those inputs are that are not at their end. */
  async #open(received: () => readonly Position[]): Promise<string | undefined> {
    const { lag, isFilling, partition } = this.#parts
    const filling = this.#inputs.filter(isFilling)
    const own = (await lag()).filter((place) => place.partition === partition)
    const isOpen = (each: Lag) => filling.includes(each.topic) || !isDrained(each, received())
    const open = own.filter((each) => this.#inputs.includes(each.topic) && isOpen(each))
    // Without any, the partitions have just been taken away.
    if (own.length > 0 && open.length === 0) return undefined
    return textOf(open.map(({ position: offset, ...place }) => ({ ...place, offset })))
  }
}

const textOf = (positions: readonly Position[]): string =>
  positions.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`).join(' ')
