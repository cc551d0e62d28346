import type { Broker, TopicInfo } from '../../broker/broker.ts'
import { isLater, ledgerOf, readEntry, type FailureTime, type LedgerEntry } from '../../deadletter/ledger/entry.ts'
import { failureOf, readLetter, type Letter } from '../../deadletter/readLetter.ts'
import type { StoredRecord } from '../../record/record.ts'

/** The letters of dead-letter topics that are open, each as it failed last, in the order in which the topics have them. */
export async function* openLetters(broker: Broker, topics: readonly string[]): AsyncGenerator<Letter> {
  const entries = new Map<string, LedgerEntry>()
  for (const info of await broker.topics(topics.map(ledgerOf)))
    for await (const record of recordsIn(broker, info)) {
      const entry = readEntry(record)
      if (entry && !isOlder(entry, entries.get(entry.letter))) entries.set(entry.letter, entry)
    }
  const last = new Map<string, FailureTime & { readonly place: string }>()
  const infos = await broker.topics(topics)
  for (const info of infos)
    for await (const record of recordsIn(broker, info)) {
      const failure = failureOf(record)
      if (!failure || isOlder(failure, last.get(failure.id))) continue
      const { id, hops, failedAt } = failure
      last.set(id, { hops, failedAt, place: placeOf(record) })
    }
  for (const info of infos)
    for await (const record of recordsIn(broker, info)) {
      const letter = readLetter(record)
      const isLast = letter && last.get(letter.id)?.place === placeOf(record)
      if (isLast && isOpen(letter, entries.get(letter.id))) yield letter
    }
}

const isOlder = (one: FailureTime, other: FailureTime | undefined): boolean =>
  other !== undefined && isLater(other, one)

/** An entry speaks of a letter as it failed then. */
const isOpen = (letter: Letter, entry: LedgerEntry | undefined): boolean =>
  entry === undefined || entry.to === 'open' || isLater(letter, entry)

const placeOf = ({ topic, partition, offset }: StoredRecord): string => `${topic}/${partition}/${offset}`

const recordsPerRead = 1_000

async function* recordsIn(broker: Broker, { name, partitions }: TopicInfo): AsyncGenerator<StoredRecord> {
  for (const { partition, start, end } of partitions) {
    for (let offset = start; offset < end;) {
      const { records, next } = await broker.read({ topic: name, partition, offset }, recordsPerRead)
      yield* records.filter((record) => record.offset < end)
      if (next === offset) break
      offset = next
    }
  }
}
