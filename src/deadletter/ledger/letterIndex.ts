import { openDatabase, type Database } from '../../broker/embedded/database.ts'
import type { Letter } from '../readLetter.ts'
import { isLater, ledgerOf, dispositions, type FailureTime, type LedgerEntry, type Disposition } from './entry.ts'
import { GroupChanges } from './groupChanges.ts'
import { indexSchema } from './indexSchema.ts'

const numberOf = (disposition: Disposition): number => dispositions.indexOf(disposition)

/** An id as the index keeps it: the 32 hexadecimal digits of Oxbow's own take half the room. */
export const packedId = (id: string): Buffer =>
  /^[0-9a-f]{32}$/.test(id) ? Buffer.from(id, 'hex') : Buffer.concat([notHex, Buffer.from(id)])

/** Longer than what is packed, whatever follows. */
const notHex = Buffer.from('as it is written:')

export const unpackedId = (packed: Uint8Array): string => {
  const bytes = Buffer.from(packed)
  return bytes.length === 16 ? bytes.toString('hex') : bytes.toString('utf8', notHex.length)
}

/** Consecutive records of a partition, read from `from` up to `next`. */
export interface Passage {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly next: number
}

/** How far a partition was read, and from where on it was kept then. */
export interface IndexedPlace {
  readonly next: number
  readonly start: number
}

/** What the index takes of a letter. */
export interface FailedLetter
  extends
    FailureTime,
    Pick<Letter, 'id' | 'partition' | 'offset' | 'fingerprint' | 'pipeline' | 'source' | 'operator' | 'revision'> {
  readonly code: string
  readonly message: string
  readonly key: Buffer | null
}

interface LetterRow {
  readonly number: number
  readonly letter_group: number
  readonly hops: number
  readonly failed_at: number
  readonly disposition: number
}

/**
 * A view of dead-letter topics and their ledgers: where each letter is and what became of it, counted by groups. It can be
 * made anew from the topics at any time. Several processes may share a file.
 */
export class LetterIndex {
  readonly database: Database
  readonly #sql: ReturnType<typeof statements>
  readonly #topics = new Map<string, number>()
  readonly #words = new Map<string, number>()
  readonly #groups = new Map<string, number>()

  /** @param file a temporary one when absent */
  constructor(file = '') {
    this.database = openDatabase(file, 'view', indexSchema)
    this.#sql = statements(this.database)
  }

  close(): void {
    this.database.close()
  }

  place(topic: string, partition: number): IndexedPlace {
    const row = this.database.read(() => this.#sql.place.get(topic, partition))
    return { next: row?.next_offset ?? 0, start: row?.start_offset ?? 0 }
  }

  /** Takes the letters of a passage; nothing where somebody else has read on meanwhile. */
  takeLetters(passage: Passage, letters: readonly FailedLetter[]): void {
    this.#take(passage, (changes) => {
      const topic = this.topicNumber(passage.topic)
      for (const letter of letters) this.#takeLetter(topic, letter, changes)
    })
  }

  /** Takes what a passage of a ledger says of the letters of its dead-letter topic. */
  takeEntries(passage: Passage, deadLetterTopic: string, entries: readonly LedgerEntry[]): void {
    this.#take(passage, (changes) => {
      const topic = this.topicNumber(deadLetterTopic)
      for (const entry of entries) this.#takeEntry(topic, entry, changes)
    })
  }

  /** The topic keeps a partition from an offset on: what was open before it is expired, and nothing else is known of it. */
  expire(topic: string, partition: number, start: number): void {
    this.database.write(() => {
      const gone = [this.topicNumber(topic), partition, start] as const
      const changes = new GroupChanges()
      for (const { letter_group, disposition, letters } of this.#sql.gone.all(...gone))
        changes.expire(letter_group, disposition, letters)
      changes.write(this.#sql.group)
      for (const forget of this.#sql.forgetGone) forget.run(...gone)
      this.#sql.setPlace.run(topic, partition, start, start)
    })
  }

  /** The topic or its ledger was made anew, or is gone: so is all that was known of it. */
  forget(topic: string): void {
    this.database.write(() => {
      const number = this.topicNumber(topic)
      for (const forget of this.#sql.forget) forget.run(number)
      for (const name of [topic, ledgerOf(topic)]) this.#sql.forgetPlaces.run(name)
    })
    this.#groups.clear()
  }

  topicNumber(name: string): number {
    return this.#numbered(this.#topics, this.#sql.topic, name)
  }

  #take({ topic, partition, from, next }: Passage, work: (changes: GroupChanges) => void): void {
    this.database.write(() => {
      const place = this.#sql.place.get(topic, partition)
      if ((place?.next_offset ?? 0) > from) return
      const changes = new GroupChanges()
      work(changes)
      changes.write(this.#sql.group)
      this.#sql.setPlace.run(topic, partition, next, place?.start_offset ?? 0)
    })
  }

  #takeLetter(topic: number, letter: FailedLetter, changes: GroupChanges): void {
    const { partition, offset, key, hops, failedAt } = letter
    const id = packedId(letter.id)
    const group = this.#groupOf(topic, letter)
    const found = this.#sql.letter.get(topic, id)
    if (found && !isLater(letter, failureOf(found))) return
    const disposition = this.#saidOf(topic, id, letter)
    const own = [
      partition,
      Number(offset),
      group,
      key,
      this.#word(letter.source),
      this.#word(letter.revision),
      hops,
      failedAt,
      disposition,
    ]
    if (found) {
      this.#sql.updateLetter.run(...own, found.number)
      changes.leave(found.letter_group, found.disposition)
    } else this.#sql.insertLetter.run(topic, id, ...own)
    changes.fail(group, disposition, letter)
  }

  /** What the ledger said already of a failure that was not known then. */
  #saidOf(topic: number, id: Buffer, letter: FailedLetter): number {
    const said = this.#sql.entries.all(topic, id)
    return said.findLast((entry) => !isLater(letter, failureOf(entry)))?.disposition ?? 0
  }

  #takeEntry(topic: number, entry: LedgerEntry, changes: GroupChanges): void {
    const { hops, failedAt, to, at, by, why, redrive } = entry
    const letter = packedId(entry.letter)
    this.#sql.insertEntry.run(topic, letter, hops, failedAt, numberOf(to), at, by, why, redrive ?? null)
    const found = this.#sql.letter.get(topic, letter)
    if (!found || isLater(failureOf(found), entry)) return
    this.#move(found, numberOf(to), changes)
    if (to === 'resolved' || to === 'discarded') changes.close(found.letter_group, at)
  }

  #move({ number, letter_group, disposition }: LetterRow, to: number, changes: GroupChanges): void {
    if (disposition === to) return
    this.#sql.setDisposition.run(to, number)
    changes.leave(letter_group, disposition)
    changes.enter(letter_group, to)
  }

  #groupOf(topic: number, letter: FailedLetter): number {
    const name = `${topic}/${letter.fingerprint}`
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const { fingerprint, pipeline, source, operator, code, message, failedAt } = letter
    this.#sql.insertGroup.run(topic, fingerprint, pipeline, source, operator, code, message, failedAt, failedAt)
    const { id } = this.#sql.groupNumber.get(topic, fingerprint)!
    this.#groups.set(name, id)
    return id
  }

  #word(text: string): number {
    return this.#numbered(this.#words, this.#sql.word, text)
  }

  #numbered(known: Map<string, number>, { insert, number }: Numbering, text: string): number {
    const found = known.get(text)
    if (found !== undefined) return found
    insert.run(text)
    const { id } = number.get(text)!
    known.set(text, id)
    return id
  }
}

const failureOf = ({ hops, failed_at }: { hops: number; failed_at: number }): FailureTime => ({
  hops,
  failedAt: failed_at,
})

type Numbering = ReturnType<typeof numbering>

const numbering = (database: Database, table: string, column: string) => ({
  insert: database.prepare(`INSERT OR IGNORE INTO ${table} (${column}) VALUES (?)`),
  number: database.prepare<{ id: number }>(`SELECT id FROM ${table} WHERE ${column} = ?`),
})

const letterRow = 'SELECT number, letter_group, hops, failed_at, disposition FROM letter'

const whereGone = 'WHERE topic = ? AND partition = ? AND at_offset < ?'

const statements = (database: Database) => ({
  topic: numbering(database, 'topic', 'name'),
  word: numbering(database, 'word', 'text'),
  place: database.prepare<{ next_offset: number; start_offset: number }>(
    'SELECT next_offset, start_offset FROM place WHERE topic = ? AND partition = ?',
  ),
  setPlace: database.prepare(
    `INSERT INTO place (topic, partition, next_offset, start_offset) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET next_offset = max(next_offset, excluded.next_offset), start_offset = max(start_offset, excluded.start_offset)`,
  ),
  letter: database.prepare<LetterRow>(`${letterRow} WHERE topic = ? AND id = ?`),
  gone: database.prepare<{ letter_group: number; disposition: number; letters: number }>(
    `SELECT letter_group, disposition, count(*) AS letters FROM letter ${whereGone} GROUP BY letter_group, disposition`,
  ),
  forgetGone: [
    `DELETE FROM entry WHERE (topic, letter) IN (SELECT topic, id FROM letter ${whereGone})`,
    `DELETE FROM letter ${whereGone}`,
  ].map((sql) => database.prepare(sql)),
  insertLetter: database.prepare(
    `INSERT INTO letter (topic, id, partition, at_offset, letter_group, key, source, revision, hops, failed_at, disposition)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
  updateLetter: database.prepare(
    `UPDATE letter SET partition = ?, at_offset = ?, letter_group = ?, key = ?, source = ?, revision = ?, hops = ?, failed_at = ?, disposition = ?
     WHERE number = ?`,
  ),
  setDisposition: database.prepare('UPDATE letter SET disposition = ? WHERE number = ?'),
  entries: database.prepare<{ hops: number; failed_at: number; disposition: number }>(
    'SELECT hops, failed_at, disposition FROM entry WHERE topic = ? AND letter = ? ORDER BY rowid',
  ),
  insertEntry: database.prepare(
    `INSERT INTO entry (topic, letter, hops, failed_at, disposition, at, said_by, why, redrive) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
  insertGroup: database.prepare(
    `INSERT OR IGNORE INTO letter_group (topic, fingerprint, pipeline, source, operator, code, message, first_at, last_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
  groupNumber: database.prepare<{ id: number }>('SELECT id FROM letter_group WHERE topic = ? AND fingerprint = ?'),
  group: {
    count: database.prepare(
      `UPDATE letter_group SET open = open + ?, redriving = redriving + ?, resolved = resolved + ?, discarded = discarded + ?,
       expired = expired + ?, first_at = min(first_at, ?), last_at = max(last_at, ?), closed_at = max(closed_at, ?),
       message = coalesce(?, message) WHERE id = ?`,
    ),
    hour: database.prepare(
      `INSERT INTO hour (letter_group, hour, letters) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET letters = letters + excluded.letters`,
    ),
  },
  forget: [
    'DELETE FROM hour WHERE letter_group IN (SELECT id FROM letter_group WHERE topic = ?)',
    'DELETE FROM letter_group WHERE topic = ?',
    'DELETE FROM letter WHERE topic = ?',
    'DELETE FROM entry WHERE topic = ?',
  ].map((sql) => database.prepare(sql)),
  forgetPlaces: database.prepare('DELETE FROM place WHERE topic = ?'),
})
