import type { TopicPartition } from '../../broker/broker.ts'
import type { Database } from '../../broker/embedded/database.ts'
import { dispositions, type LedgerEntry, type Disposition } from './entry.ts'
import type { LetterIndex } from './letterIndex.ts'
import { packedId, unpackedId } from './packedId.ts'

/** What the index has of a letter. */
export interface IndexedLetter {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly fingerprint: string
  readonly source: string
  readonly key: Buffer | null
  readonly hops: number
  /** Milliseconds since the epoch. */
  readonly failedAt: number
  readonly disposition: Disposition
  /** How often it was made open again since it failed. */
  readonly reopened: number
}

/** What became of a letter, the group that it is shown in, and how often it was made open again. */
export type PlacedLetter = Pick<IndexedLetter, 'disposition' | 'fingerprint' | 'reopened'>

/** Which letters; all where nothing is said. */
export interface LetterChoice {
  readonly topic?: string
  /** That of their group. */
  readonly fingerprint?: string
  readonly disposition?: readonly Disposition[]
  readonly key?: Buffer
}

/** The last letter of a page. */
export interface PageEnd {
  readonly failedAt: number
  readonly number: number
}

export interface LetterPage {
  readonly letters: readonly IndexedLetter[]
  /** Absent where there are no more. */
  readonly next?: PageEnd
}

const newest: PageEnd = { failedAt: Number.MAX_SAFE_INTEGER, number: 0 }

/** Finds letters in an index that follows their topics. */
export class Letters {
  readonly #database: Database
  readonly #sql: ReturnType<typeof statements>

  constructor({ database }: LetterIndex) {
    this.#database = database
    this.#sql = statements(database)
  }

  /** Letters, those that failed last first. @param after the end of the page before */
  page(choice: LetterChoice, limit: number, after = newest): LetterPage {
    return this.#database.read(() => {
      const found = choice.key ? this.#withKey(choice, limit + 1, after) : this.#latest(choice, limit + 1, after)
      const letters = found.slice(0, limit).map(({ number }) => asLetter(this.#sql.byNumber.get(number)!))
      if (found.length <= limit) return { letters }
      const { failed_at: failedAt, number } = found[limit - 1]!
      return { letters, next: { failedAt, number } }
    })
  }

  /** Undefined where the index has none of that id. @param topics only on these */
  letter(id: string, topics?: readonly string[]): IndexedLetter | undefined {
    const row = this.#sql.letter.get(packedId(id), topics ? JSON.stringify(topics) : null)
    return row && asLetter(row)
  }

  /** The letters that failed last by records of a partition, from an offset on and up to another, by the offsets of those. */
  placed({ topic, partition }: TopicPartition, from: bigint, until: bigint): ReadonlyMap<bigint, PlacedLetter> {
    const rows = this.#sql.placed.all(topic, partition, Number(from), Number(until))
    return new Map(
      rows.map(({ at_offset, disposition, fingerprint, reopened }) => [
        BigInt(at_offset),
        { disposition: dispositions[disposition]!, fingerprint, reopened },
      ]),
    )
  }

  /** What was said of a letter, the first entry first. @param topic only in the ledger of this one */
  history(id: string, topic: string | null = null): readonly LedgerEntry[] {
    return this.#sql.history
      .all(packedId(id), topic)
      .map(({ failed_at, disposition, said_by, redrive, reopened, ...entry }) => ({
        ...entry,
        letter: id,
        failedAt: failed_at,
        to: dispositions[disposition]!,
        by: said_by,
        ...(redrive !== null && { redrive }),
        ...(reopened !== null && { reopened }),
      }))
  }

  /** Each group has its letters in order: the page is what comes first of all of them. */
  #latest(choice: LetterChoice, count: number, after: PageEnd): readonly Place[] {
    const { topic = null, fingerprint = null, disposition = dispositions } = choice
    let page: readonly Place[] = []
    for (const { id, last_at } of this.#sql.groupsLatestFirst.iterate(topic, fingerprint)) {
      if (page.length === count && page.at(-1)!.failed_at > last_at) break
      const own = disposition.flatMap((each) =>
        this.#sql.latest.all(id, dispositions.indexOf(each), after.failedAt, after.number, count),
      )
      if (own.length > 0) page = [...page, ...own].toSorted(latestFirst).slice(0, count)
    }
    return page
  }

  #withKey(choice: LetterChoice, count: number, after: PageEnd): readonly Place[] {
    const { topic = null, fingerprint = null, disposition = dispositions, key = null } = choice
    const wanted = JSON.stringify(disposition.map((each) => dispositions.indexOf(each)))
    return this.#sql.withKey.all(topic, fingerprint, wanted, key, after.failedAt, after.number, count)
  }
}

interface Place {
  readonly number: number
  readonly failed_at: number
}

const latestFirst = (one: Place, other: Place): number => other.failed_at - one.failed_at || other.number - one.number

interface LetterRow {
  readonly id: Uint8Array
  readonly topic: string
  readonly partition: number
  readonly at_offset: number
  readonly fingerprint: string
  readonly source: string
  readonly key: Uint8Array | null
  readonly hops: number
  readonly failed_at: number
  readonly disposition: number
  readonly reopened: number
}

function asLetter({ id, at_offset, failed_at, disposition, key, ...facts }: LetterRow): IndexedLetter {
  const offset = BigInt(at_offset)
  return {
    ...facts,
    id: unpackedId(id),
    key: key && Buffer.from(key),
    offset,
    failedAt: failed_at,
    disposition: dispositions[disposition]!,
  }
}

interface EntryRow extends Pick<LedgerEntry, 'hops' | 'at' | 'why'> {
  readonly failed_at: number
  readonly disposition: number
  readonly said_by: string
  readonly redrive: string | null
  readonly reopened: number | null
}

const letterColumns = `SELECT letter.id, topic.name AS topic, partition, at_offset, fingerprint, word.text AS source, key, hops, failed_at,
  disposition, reopened
  FROM letter JOIN topic ON topic.id = letter.topic JOIN word ON word.id = letter.source
  JOIN letter_group ON letter_group.id = letter.letter_group`
const chosenGroups = `(?1 IS NULL OR topic = (SELECT id FROM topic WHERE name = ?1)) AND (?2 IS NULL OR fingerprint = ?2)`
const latestPlaces = 'ORDER BY failed_at DESC, number DESC LIMIT'

const statements = (database: Database) => ({
  groupsLatestFirst: database.prepare<{ readonly id: number; readonly last_at: number }>(
    `SELECT id, last_at FROM letter_group WHERE ${chosenGroups} ORDER BY last_at DESC`,
  ),
  latest: database.prepare<Place>(
    `SELECT number, failed_at FROM letter
     WHERE letter_group = ? AND disposition = ? AND (failed_at, number) < (?, ?) ${latestPlaces} ?`,
  ),
  withKey: database.prepare<Place>(
    `SELECT number, failed_at FROM letter NOT INDEXED WHERE letter_group IN (SELECT id FROM letter_group WHERE ${chosenGroups})
     AND disposition IN (SELECT value FROM json_each(?3)) AND key = ?4 AND (failed_at, number) < (?5, ?6) ${latestPlaces} ?7`,
  ),
  byNumber: database.prepare<LetterRow>(`${letterColumns} WHERE number = ?`),
  letter: database.prepare<LetterRow>(
    `${letterColumns} WHERE letter.id = ?1 AND (?2 IS NULL OR topic.name IN (SELECT value FROM json_each(?2))) ORDER BY number DESC LIMIT 1`,
  ),
  placed: database.prepare<Pick<LetterRow, 'at_offset' | 'disposition' | 'fingerprint' | 'reopened'>>(
    `SELECT at_offset, disposition, fingerprint, reopened FROM letter JOIN letter_group ON letter_group.id = letter.letter_group
     WHERE letter.topic = (SELECT id FROM topic WHERE name = ?) AND partition = ? AND at_offset >= ? AND at_offset < ?`,
  ),
  history: database.prepare<EntryRow>(
    `SELECT hops, failed_at, disposition, reopened, at, said_by, why, redrive FROM entry
     WHERE letter = ?1 AND (?2 IS NULL OR topic = (SELECT id FROM topic WHERE name = ?2)) ORDER BY at, rowid`,
  ),
})
