import type { Broker, TopicInfo } from '../broker/broker.ts'
import { isSameFailure, type LedgerEntry } from '../deadletter/ledger/entry.ts'
import type { PlacedLetter } from '../deadletter/ledger/letters.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { readLetter, type Letter } from '../deadletter/readLetter.ts'
import type { StoredRecord } from '../record/record.ts'

/** Where letters are. */
export interface LetterPlaces {
  readonly broker: Broker
  readonly ledger: Ledger
  /** Dead-letter topics. */
  readonly topics: readonly string[]
  /** The fingerprint of a group, as the ledger has it: some are merged. Only letters of it, if so. */
  readonly group?: string | undefined
}

/** The letters that are open now, each as it failed last, in the order in which the topics have them. */
export async function* openLetters(places: LetterPlaces): AsyncGenerator<Letter> {
  const { broker, ledger, topics } = places
  await ledger.follow(topics, { whole: true })
  for (const info of await broker.topics(topics))
    for await (const { record, placed } of placedRecords(broker, ledger, info)) {
      const letter = isOpen(placed, places) ? readOpen(record, placed, ledger) : undefined
      if (letter) yield letter
    }
}

/** The open letters of these ids, in their order; undefined for one that is not. */
export async function openLettersById(
  places: LetterPlaces,
  ids: readonly string[],
): Promise<readonly (Letter | undefined)[]> {
  const { broker, ledger, topics } = places
  await ledger.follow(topics, { whole: true })
  return Promise.all(
    ids.map(async (id) => {
      const found = ledger.letter(id, topics)
      if (!isOpen(found, places)) return undefined
      const [record] = (await broker.read(found, 1)).records
      // Retention may have deleted it meanwhile: what follows it is another letter.
      return record?.offset === found.offset ? readOpen(record, found, ledger) : undefined
    }),
  )
}

const isOpen = <T extends PlacedLetter>(found: T | undefined, { group }: LetterPlaces): found is T =>
  found?.disposition === 'open' && (group ?? found.fingerprint) === found.fingerprint

function readOpen(record: StoredRecord, placed: PlacedLetter, ledger: Ledger): Letter | undefined {
  const letter = readLetter(record)
  return letter && asItStands(letter, placed, ledger)
}

/** A letter, with what the ledger says of it that whoever sends it back, or says something of it, must know. */
export function asItStands(letter: Letter, { reopened }: PlacedLetter, ledger: Ledger): Letter {
  if (reopened === 0) return letter
  const said = ledger.history(letter.id, letter.topic).filter((each) => isSameFailure(each, letter))
  return { ...letter, reopened: { times: reopened, passed: hasPassed(said) } }
}

/** Whether the record passed when it was sent back; what was sent to another topic did not. */
const hasPassed = (said: readonly LedgerEntry[]): boolean =>
  said.some(
    ({ to, redrive }) => to === 'resolved' && said.some((sent) => sent.to === 'redriving' && sent.redrive === redrive),
  )

/** What a dead-letter topic has, and the letter that failed last by it, if one did. */
export interface PlacedRecord {
  readonly record: StoredRecord
  readonly placed: PlacedLetter | undefined
}

/** Few, so that they die young: what is kept longer costs more to collect than to read. */
const recordsPerRead = 250

/** The records that a topic has now, one partition after another; its ledger is followed already. */
export async function* placedRecords(
  broker: Broker,
  ledger: Ledger,
  { name: topic, partitions }: TopicInfo,
): AsyncGenerator<PlacedRecord> {
  for (const { partition, start, end } of partitions) {
    for (let offset = start; offset < end;) {
      const { records, next } = await broker.read({ topic, partition, offset }, recordsPerRead)
      const placed = ledger.placed({ topic, partition }, offset, next)
      for (const record of records) if (record.offset < end) yield { record, placed: placed.get(record.offset) }
      if (next <= offset) break
      offset = next
    }
  }
}
