import { externalSources, type Plan } from './plan.ts'

/** A dead-letter topic of a pipeline: one that it writes its letters to, or a queue of others' that it reads. */
export interface LetterTopic {
  readonly topic: string
  /** Whose letters it holds, in words: several sources that share it are joined by ", "; of a queue, its own name. */
  readonly source: string
  /** The sources whose letters the pipeline writes there; none of a queue. */
  readonly sources: readonly string[]
}

/** The dead-letter topics of a plan, queues of others' last. A retry pipeline has none of its own: it writes to those of the main one. */
export function letterTopicsOf(plan: Pick<Plan, 'subtopologies'>): readonly LetterTopic[] {
  const own = externalSources(plan).filter(({ retriesOf }) => retriesOf === undefined)
  const written = Map.groupBy(own, ({ deadLetters }) => deadLetters.topic)
  const queues = own.filter(({ name, spec }) => spec.letters && !written.has(name))
  return [
    ...Array.from(written, ([topic, group]) => {
      const sources = group.map(({ name }) => name)
      return { topic, source: sources.join(', '), sources }
    }),
    ...queues.map(({ name }) => ({ topic: name, source: name, sources: [] })),
  ]
}
