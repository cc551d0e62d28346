import type { Letter } from '../../deadletter/readLetter.ts'
import type { Choice, ChoiceParts } from '../../redrive/choose.ts'
import { letterTopicsOf } from '../../topology/letterTopics.ts'
import { counted, printable } from '../output.ts'

/** Open letters that a command passes over, though they may be meant: who gave it is told of them, on stderr. */
export class LeftAlone {
  readonly #byPipeline = new Map<string, number>()

  /** Another pipeline wrote it. */
  readonly add = ({ pipeline }: Letter): void => {
    this.#byPipeline.set(pipeline, (this.#byPipeline.get(pipeline) ?? 0) + 1)
  }

  /** Those of other pipelines. */
  printWritten({ plan }: Pick<ChoiceParts, 'plan'>): void {
    for (const [pipeline, letters] of this.#byPipeline)
      console.error(
        `${counted(letters, 'letter')} of the pipeline ${printable(pipeline)} left alone; if ${plan.name} was called so before: --formerly ${printable(pipeline)}`,
      )
  }

  /** Those of other pipelines, and open ones on queues. */
  async print(parts: ChoiceParts, { ids, group, topic }: Choice): Promise<void> {
    const { plan, ledger } = parts
    this.printWritten(parts)
    if (ids ?? group ?? topic) return
    const queues = letterTopicsOf(plan).filter(({ sources }) => sources.length === 0)
    const counts = await ledger.counts(
      queues.map((queue) => queue.topic),
      Date.now(),
    )
    for (const { topic: queue, open } of counts.filter((each) => each.open > 0))
      console.error(
        `${counted(open, 'letter')} on ${queue} left alone, which the streams have had already; to send them through once more: --topic ${queue}`,
      )
  }
}
