import type { Database } from '../../broker/embedded/database.ts'
import { dispositions } from './entry.ts'

/** A letter as the index has it. */
export interface LetterRow {
  readonly number: number
  readonly letter_group: number
  readonly partition: number
  readonly at_offset: number
  readonly hops: number
  readonly failed_at: number
  readonly disposition: number
  readonly reopened: number
}

export type Numbering = ReturnType<typeof numbering>

const numbering = (database: Database, table: string, column: string) => ({
  insert: database.prepare(`INSERT OR IGNORE INTO ${table} (${column}) VALUES (?)`),
  number: database.prepare<{ id: number }>(`SELECT id FROM ${table} WHERE ${column} = ?`),
})

const letterRow =
  'SELECT number, letter_group, partition, at_offset, hops, failed_at, disposition, reopened FROM letter'

const whereGone = 'WHERE topic = ? AND partition = ? AND at_offset < ?'

export type IndexStatements = ReturnType<typeof indexStatements>

/** What an index asks of its database, and changes. */
export const indexStatements = (database: Database) => ({
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
  forgetLetters: database.prepare(`DELETE FROM letter ${whereGone}`),
  forgetEntries: database.prepare(`DELETE FROM entry ${whereGone} AND letter IS NOT NULL`),
  insertLetter: database.prepare(
    `INSERT INTO letter (topic, id, partition, at_offset, letter_group, own_group, key, source, revision, hops, failed_at, disposition, reopened)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
  updateLetter: database.prepare(
    `UPDATE letter SET partition = ?, at_offset = ?, letter_group = ?, own_group = ?, key = ?, source = ?, revision = ?, hops = ?, failed_at = ?, disposition = ?, reopened = ?
     WHERE number = ?`,
  ),
  setStanding: database.prepare('UPDATE letter SET disposition = ?, reopened = ? WHERE number = ?'),
  entries: database.prepare<{ hops: number; failed_at: number; disposition: number; reopened: number | null }>(
    'SELECT hops, failed_at, disposition, reopened FROM entry WHERE topic = ? AND letter = ? ORDER BY rowid',
  ),
  insertEntry: database.prepare(
    `INSERT INTO entry (topic, partition, at_offset, letter, hops, failed_at, disposition, reopened, at, said_by, why, redrive)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
  insertDecision: database.prepare(
    'INSERT INTO entry (topic, fingerprint, decision, at, said_by, why) VALUES (?, ?, ?, ?, ?, ?)',
  ),
  decisions: database.prepare<{ decision: string }>(
    'SELECT decision FROM entry WHERE fingerprint = ? AND topic = ? ORDER BY rowid',
  ),
  /** The groups of a topic whose last word is that they are merged into another. */
  mergedInto: database.prepare<{ id: number }>(
    `SELECT letter_group.id AS id FROM entry
     JOIN letter_group ON letter_group.topic = entry.topic AND letter_group.fingerprint = entry.fingerprint
     WHERE entry.fingerprint IS NOT NULL AND entry.topic = ? AND decision = ? AND NOT EXISTS (
       SELECT 1 FROM entry AS later WHERE later.fingerprint = entry.fingerprint AND later.topic = entry.topic
       AND later.rowid > entry.rowid AND later.decision NOT IN ('"muted"', '"unmuted"'))`,
  ),
  insertGroup: database.prepare(
    `INSERT INTO letter_group (topic, fingerprint, pipeline, source, operator, code, message, first_at, last_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
  shownIn: database.prepare<{ id: number; shown_in: number }>(
    'SELECT id, shown_in FROM letter_group WHERE shown_in IS NOT NULL',
  ),
  showIn: database.prepare('UPDATE letter_group SET shown_in = ? WHERE id = ? OR shown_in = ?'),
  mute: database.prepare('UPDATE letter_group SET muted = ? WHERE id = ?'),
  merge: database.prepare('UPDATE letter SET letter_group = ? WHERE letter_group = ?'),
  split: database.prepare('UPDATE letter SET letter_group = ? WHERE letter_group = ? AND own_group = ?'),
  recount: [
    `UPDATE letter_group SET ${dispositions
      .map((each, at) => `${each} = (SELECT count(*) FROM letter WHERE letter_group = ?1 AND disposition = ${at})`)
      .join(', ')},
     first_at = coalesce((SELECT min(failed_at) FROM letter WHERE letter_group = ?1), first_at),
     last_at = coalesce((SELECT max(failed_at) FROM letter WHERE letter_group = ?1), last_at) WHERE id = ?1`,
    'DELETE FROM hour WHERE letter_group = ?1',
    `INSERT INTO hour (letter_group, hour, letters)
     SELECT letter_group, failed_at / 3600000, count(*) FROM letter WHERE letter_group = ?1 GROUP BY 1, 2`,
  ].map((sql) => database.prepare(sql)),
  groupNumber: database.prepare<{ id: number }>('SELECT id FROM letter_group WHERE topic = ? AND fingerprint = ?'),
  group: {
    count: database.prepare(
      `UPDATE letter_group SET open = open + ?, redriving = redriving + ?, resolved = resolved + ?, discarded = discarded + ?,
       expired = expired + ?, failures = failures + ?, first_at = min(first_at, ?), last_at = max(last_at, ?), closed_at = max(closed_at, ?),
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
