import type { Letter } from '../deadletter/readLetter.ts'
import { factsAsHeaders } from '../topology/contents.ts'
import { startOf } from '../topology/departure.ts'
import { externalSources, type Plan, type PlannedSource } from '../topology/plan.ts'

/** Where a letter goes back to. */
export interface Home {
  readonly source: PlannedSource
  /** The letter as one of the source: on a queue, the record that failed is what the queue's streams get. Of others' letters it goes on at the source, for where they failed is no place of the pipeline. */
  readonly letter: Letter
  /** Whether others wrote it. */
  readonly isOfOthers: boolean
}

/**
 * Tells where letters go back to in a plan: own ones to their source, those on a queue of others' to the queue, those of others
 * elsewhere to the source that they name; undefined where there is none.
 */
export function homeIn(plan: Plan): (letter: Letter) => Home | undefined {
  const sources = new Map(externalSources(plan).map((source) => [source.name, source]))
  return (letter) => {
    const source = sources.get(letter.source)
    const isForeign = letter.convention !== 'oxbow'
    const isOwn = !isForeign && source?.deadLetters.topic === letter.topic
    const queue = isOwn ? undefined : sources.get(letter.topic)
    if (queue?.spec.letters) return { source: queue, letter: asReadBy(queue, letter), isOfOthers: true }
    if (!isForeign) return source && { source, letter, isOfOthers: false }
    return source && { source, letter: { ...letter, operator: startOf(source.name) }, isOfOthers: true }
  }
}

/** A letter as the record of a queue of dead letters that it is: with the facts that its streams get. */
const asReadBy = (queue: PlannedSource, { read: _read, input: _input, ...letter }: Letter): Letter => ({
  ...letter,
  source: queue.name,
  operator: startOf(queue.name),
  origin: {
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    timestamp: letter.record.timestamp,
  },
  streams: new Map(),
  record: { ...letter.record, headers: [...letter.record.headers, ...factsAsHeaders(letter)] },
})
