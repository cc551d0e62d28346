import type { Broker, TopicInfo } from '../broker/broker.ts'
import { isSameFailure, type LedgerEntry } from '../deadletter/ledger/entry.ts'
import type { IndexedLetter } from '../deadletter/ledger/letters.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { failureOf, readLetter, type Letter } from '../deadletter/readLetter.ts'
import type { StoredRecord } from '../record/record.ts'

/** The letters of dead-letter topics that are open now, each as it failed last, in the order in which the topics have them. */
export async function* openLetters(broker: Broker, ledger: Ledger, topics: readonly string[]): AsyncGenerator<Letter> {
  await ledger.follow(topics)
  for (const info of await broker.topics(topics))
    for await (const record of recordsIn(broker, info)) {
      const id = failureOf(record)?.id
      const known = id === undefined ? undefined : ledger.letter(id)
      const letter = known && isOpen(record, known) ? readOpen(record, known, ledger) : undefined
      if (letter) yield letter
    }
}

/** The open letters of these ids, in their order; undefined for one that is not. */
export async function openLettersById(
  broker: Broker,
  ledger: Ledger,
  topics: readonly string[],
  ids: readonly string[],
): Promise<readonly (Letter | undefined)[]> {
  await ledger.follow(topics)
  return Promise.all(
    ids.map(async (id) => {
      const found = ledger.letter(id)
      if (found?.disposition !== 'open' || !topics.includes(found.topic)) return undefined
      const { records } = await broker.read(found, 1)
      return records[0] && readOpen(records[0], found, ledger)
    }),
  )
}

const isOpen = (record: StoredRecord, known: IndexedLetter): boolean =>
  known.disposition === 'open' && isPlaceOf(record, known)

/** A letter, with what the ledger says of it that whoever sends it back must know. */
function readOpen(record: StoredRecord, { id, reopened }: IndexedLetter, ledger: Ledger): Letter | undefined {
  const letter = readLetter(record)
  if (!letter || reopened === 0) return letter
  const said = ledger.history(id).filter((each) => isSameFailure(each, letter))
  return { ...letter, reopened: { times: reopened, passed: hasPassed(said) } }
}

/** Whether the record passed when it was sent back; what was sent to another topic did not. */
const hasPassed = (said: readonly LedgerEntry[]): boolean =>
  said.some(
    ({ to, redrive }) => to === 'resolved' && said.some((sent) => sent.to === 'redriving' && sent.redrive === redrive),
  )

/** Whether a letter failed last by this record. */
export const isPlaceOf = ({ topic, partition, offset }: StoredRecord, known: IndexedLetter): boolean =>
  known.topic === topic && known.partition === partition && known.offset === offset

const recordsPerRead = 1_000

/** The records that a topic has now, one partition after another. */
export async function* recordsIn(broker: Broker, { name, partitions }: TopicInfo): AsyncGenerator<StoredRecord> {
  for (const { partition, start, end } of partitions) {
    for (let offset = start; offset < end;) {
      const { records, next } = await broker.read({ topic: name, partition, offset }, recordsPerRead)
      yield* records.filter((record) => record.offset < end)
      if (next === offset) break
      offset = next
    }
  }
}
