import type { Disposition } from '../../deadletter/ledger/entry.ts'
import type { Letter } from '../../deadletter/readLetter.ts'
import type { Choice, ChoiceParts } from '../../redrive/choose.ts'
import { letterTopicsOf } from '../../topology/letterTopics.ts'
import { counted, printable } from '../output.ts'

/** Letters that a command passes over, though they may be meant: who gave it is told of them, on stderr. */
export class LeftAlone {
  readonly #byPipeline = new Map<string, number>()
  readonly #purpose: string
  readonly #dispositions: readonly Disposition[]

  /**
   * @param purpose what the command would do, as in "to discard them"
   * @param dispositions it is about letters of these
   */
  constructor(purpose: string, dispositions: readonly Disposition[] = ['open']) {
    this.#purpose = purpose
    this.#dispositions = dispositions
  }

  /** Another pipeline wrote it. */
  readonly add = ({ pipeline }: Letter): void => {
    this.#byPipeline.set(pipeline, (this.#byPipeline.get(pipeline) ?? 0) + 1)
  }

  /** Those of other pipelines, and all on queues, which nobody looked at. */
  async print({ plan, ledger }: ChoiceParts, { ids, group, topic, source }: Choice): Promise<void> {
    for (const [pipeline, letters] of this.#byPipeline)
      console.error(
        `${counted(letters, 'letter')} of the pipeline ${printable(pipeline)} left alone; if ${plan.name} was called so before: --formerly ${printable(pipeline)}`,
      )
    if (ids ?? group ?? topic) return
    const queues = letterTopicsOf(plan).filter(({ sources }) => sources.length === 0)
    const meant = queues.map((queue) => queue.topic).filter((name) => name === (source ?? name))
    for (const { topic: queue, ...count } of await ledger.counts(meant, Date.now())) {
      const letters = this.#dispositions.reduce((sum, each) => sum + count[each], 0)
      if (letters === 0) continue
      const which = counted(letters, `${this.#dispositions.join(' or ')} letter`)
      console.error(
        `${which} on ${queue} not looked at, which the streams have had already; ${this.#purpose}: --topic ${queue}`,
      )
    }
  }
}
