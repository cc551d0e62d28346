import type { Broker } from '../broker/broker.ts'

/** The letters of a dead-letter topic by what became of them. */
export interface LetterCount {
  readonly topic: string
  /** Neither resolved nor discarded yet: the true size. */
  readonly open: number
  readonly redriving: number
  readonly resolved: number
  readonly discarded: number
  /** What the topic still keeps, by its offsets: an upper bound. */
  readonly retained: number
  /** Ever written, whatever became of them. */
  readonly written: number
  /** When the oldest open one was written, milliseconds since the epoch; absent when there is none. */
  readonly oldest?: number
}

/** By topic: letters ever written there, and those of them that were redriven or discarded. */
export type LetterLedger = ReadonlyMap<string, { readonly written: number; readonly closed: number }>

/**
 * Counts the letters of dead-letter topics, in the order given; a topic that is not there has none. Offsets alone are an
 * upper bound, for on Kafka the markers of transactions have some too: what the pipelines that write there counted says
 * better how many letters there are.
 */
export async function countLetters(
  broker: Pick<Broker, 'topics'>,
  deadLetterTopics: readonly string[],
  ledger: LetterLedger = new Map(),
): Promise<readonly LetterCount[]> {
  const topics = await broker.topics(deadLetterTopics)
  return deadLetterTopics.map((topic): LetterCount => {
    const partitions = topics.find(({ name }) => name === topic)?.partitions ?? []
    const retained = partitions.reduce((sum, { start, end }) => sum + Number(end - start), 0)
    const ends = partitions.reduce((sum, { end }) => sum + Number(end), 0)
    const { written = ends, closed = 0 } = ledger.get(topic) ?? {}
    const open = Math.max(0, Math.min(retained, written - closed))
    const times = partitions.flatMap(({ oldest }) => oldest ?? [])
    const counts = { topic, open, redriving: 0, resolved: 0, discarded: 0, retained, written }
    return times.length > 0 ? { ...counts, oldest: Math.min(...times) } : counts
  })
}
