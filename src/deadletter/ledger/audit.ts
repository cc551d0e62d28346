import type { Database } from '../../broker/embedded/database.ts'
import { dispositions, type LedgerEntry } from './entry.ts'
import { unpackedId, type LetterIndex } from './letterIndex.ts'

/** An entry, and where the letter lies that it speaks of. */
export interface AuditEntry extends LedgerEntry {
  readonly topic: string
}

/** The last entry of a page. */
export interface AuditEnd {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly number: number
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** Absent where there are no more. */
  readonly next?: AuditEnd
}

/** What became of the letters of a redrive. */
export interface RedriveOutcome {
  readonly sent: number
  readonly resolved: number
  /** Dead again. */
  readonly returned: number
}

const newest: AuditEnd = { at: Number.MAX_SAFE_INTEGER, number: 0 }

/** Finds what was said of letters, by when. */
export class Audit {
  readonly #sql: ReturnType<typeof statements>

  constructor({ database }: LetterIndex) {
    this.#sql = statements(database)
  }

  /** Entries, the newest first. @param after the end of the page before */
  page(limit: number, after = newest): AuditPage {
    const rows = this.#sql.newest.all(after.at, after.number, limit + 1)
    const entries = rows.slice(0, limit).map(asEntry)
    const last = rows[limit - 1]
    return rows.length <= limit || !last ? { entries } : { entries, next: { at: last.at, number: last.number } }
  }

  redrive(name: string): RedriveOutcome {
    const { sent, resolved } = this.#sql.said.get(name)!
    return { sent, resolved, returned: this.#sql.returned.get(name)!.letters }
  }
}

interface Row {
  readonly number: number
  readonly topic: string
  readonly letter: Uint8Array
  readonly hops: number
  readonly failed_at: number
  readonly disposition: number
  readonly at: number
  readonly said_by: string
  readonly why: string
  readonly redrive: string | null
}

const asEntry = ({ topic, letter, hops, failed_at, disposition, at, said_by, why, redrive }: Row): AuditEntry => ({
  topic,
  letter: unpackedId(letter),
  hops,
  failedAt: failed_at,
  to: dispositions[disposition]!,
  at,
  by: said_by,
  why,
  ...(redrive !== null && { redrive }),
})

const distinctOf = (disposition: (typeof dispositions)[number]) =>
  `count(DISTINCT CASE disposition WHEN ${dispositions.indexOf(disposition)} THEN letter END)`

const statements = (database: Database) => ({
  newest: database.prepare<Row>(
    `SELECT entry.rowid AS number, topic.name AS topic, letter, hops, failed_at, disposition, at, said_by, why, redrive
     FROM entry JOIN topic ON topic.id = entry.topic
     WHERE (at, entry.rowid) < (?, ?) ORDER BY at DESC, entry.rowid DESC LIMIT ?`,
  ),
  said: database.prepare<{ readonly sent: number; readonly resolved: number }>(
    `SELECT ${distinctOf('redriving')} AS sent, ${distinctOf('resolved')} AS resolved FROM entry WHERE redrive = ?`,
  ),
  returned: database.prepare<{ readonly letters: number }>(
    `SELECT count(DISTINCT entry.letter) AS letters FROM entry
     JOIN letter ON letter.topic = entry.topic AND letter.id = entry.letter
     WHERE redrive = ? AND entry.disposition = ${dispositions.indexOf('redriving')} AND letter.hops > entry.hops`,
  ),
})
