import type { Broker } from '../broker/broker.ts'

/** The letters of a dead-letter topic by what became of them. */
export interface LetterCount {
  readonly topic: string
  /** Neither resolved nor discarded yet: the true size. */
  readonly open: number
  readonly redriving: number
  readonly resolved: number
  readonly discarded: number
  /** What the topic still keeps. */
  readonly retained: number
  /** Ever written, whatever became of them. */
  readonly written: number
  /** When the oldest open one was written, milliseconds since the epoch; absent when there is none. */
  readonly oldest?: number
}

/**
 * Counts the letters of dead-letter topics, in the order given; a topic that is not there has none. Every letter that is
 * kept is open: nothing resolves or discards letters yet.
 */
export async function countLetters(
  broker: Pick<Broker, 'topics'>,
  deadLetterTopics: readonly string[],
): Promise<readonly LetterCount[]> {
  const topics = await broker.topics(deadLetterTopics)
  return deadLetterTopics.map((topic): LetterCount => {
    const partitions = topics.find(({ name }) => name === topic)?.partitions ?? []
    const retained = partitions.reduce((sum, { start, end }) => sum + Number(end - start), 0)
    const written = partitions.reduce((sum, { end }) => sum + Number(end), 0)
    const times = partitions.flatMap(({ oldest }) => oldest ?? [])
    const counts = { topic, open: retained, redriving: 0, resolved: 0, discarded: 0, retained, written }
    return times.length > 0 ? { ...counts, oldest: Math.min(...times) } : counts
  })
}
