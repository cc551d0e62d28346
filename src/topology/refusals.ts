import { letterId } from '../deadletter/letter.ts'
import { SinkRefusedFault } from '../record/fault.ts'
import type { Record } from '../record/record.ts'

/** What an output is, whenever its source record is processed: what a sink makes of a record, or a dead letter. */
export type Made =
  | { readonly letter: string }
  | {
      readonly sink: string
      readonly index: string
      readonly topic: string
      readonly partition: number
      readonly offset: bigint
    }

/** An output that the broker refuses for good. */
export interface Refused {
  /** Unknown of what no record of a sink is, and no dead letter. */
  readonly made: Made | undefined
  readonly reason: string
}

/** What a topic sink makes of a record; it does not keep the record. */
export function madeBy(sink: string, { index, origin: { topic, partition, offset } }: Record): Made {
  return { sink, index, topic, partition, offset }
}

/**
 * What the broker refuses for good, of the outputs of a task that are not committed. Nothing of their unit is, so the task
 * goes back to its last commit; when their records come again, those of sinks are dead-lettered, and dead letters shortened.
 */
export class Refusals {
  readonly #reasons = new Map<string, string>()
  /** Those that have come again since the last commit. */
  readonly #met = new Set<string>()

  /** @returns whether going back will help: not for a dead letter that was shortened already */
  learn(refused: readonly Refused[]): boolean {
    const names = refused.map(({ made }) => made && nameOf(made))
    const isLasting = names.some((name) => name === undefined || this.#reasons.has(name))
    refused.forEach(({ reason }, at) => {
      const name = names[at]
      // Once its topic takes more, a dead letter need not be short.
      if (name !== undefined && !this.#reasons.delete(name)) this.#reasons.set(name, reason)
    })
    return !isLasting
  }

  /** Why what a sink makes of a record was refused, if it was. */
  fault(sink: string, { index, origin }: Record): SinkRefusedFault | undefined {
    const reason = this.#meet(() => letterId(origin, sink, index))
    return reason === undefined ? undefined : new SinkRefusedFault(`${sink} cannot write the record: ${reason}.`)
  }

  /** Whether a dead letter was refused as it was. */
  shortens(letter: string): boolean {
    return this.#meet(() => letterName(letter)) !== undefined
  }

  /** The unit is committed: what was met belongs to it. */
  committed(): void {
    for (const name of this.#met) this.#reasons.delete(name)
    this.#met.clear()
  }

  /** The task starts from its last commit. */
  restart(): void {
    this.#met.clear()
  }

  #meet(nameOf: () => string): string | undefined {
    if (this.#reasons.size === 0) return undefined
    const name = nameOf()
    const reason = this.#reasons.get(name)
    if (reason !== undefined) this.#met.add(name)
    return reason
  }
}

const letterName = (letter: string): string => `letter ${letter}`

const nameOf = (made: Made): string =>
  'letter' in made ? letterName(made.letter) : letterId(made, made.sink, made.index)
