import type { Database } from '../../broker/embedded/database.ts'
import { dispositions, type GroupEntry, type LedgerEntry } from './entry.ts'
import type { LetterIndex } from './letterIndex.ts'
import { unpackedId } from './packedId.ts'

/** An entry, and the dead-letter topic of the letter or the group that it speaks of. */
export type AuditEntry = (LedgerEntry & OfTopic) | Decision

/** What was decided about a group of a dead-letter topic. */
export type Decision = GroupEntry & OfTopic

interface OfTopic {
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

/** A redrive that a ledger knows, by its first entry. */
export interface KnownRedrive {
  readonly name: string
  readonly by: string
  readonly why: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

const newest: AuditEnd = { at: Number.MAX_SAFE_INTEGER, number: 0 }

/** Finds what was said of letters and of groups, by when. */
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

  /** What was decided about groups of a topic, the first decision first. */
  decisions(topic: string): readonly Decision[] {
    return this.#sql.decisions.all(topic).map(asDecision)
  }

  /** The redrives that began last, the latest first. */
  redrives(limit: number): readonly KnownRedrive[] {
    return this.#sql.redrives.all(limit).map(({ said_by: by, ...known }) => ({ ...known, by }))
  }

  redrive(name: string): RedriveOutcome {
    const { sent, resolved } = this.#sql.said.get(name)!
    return { sent, resolved, returned: this.#sql.returned.get(name)!.letters }
  }
}

interface Said {
  readonly number: number
  readonly topic: string
  readonly at: number
  readonly said_by: string
  readonly why: string
}

interface LetterSaid extends Said {
  readonly letter: Uint8Array
  readonly hops: number
  readonly failed_at: number
  readonly disposition: number
  readonly redrive: string | null
}

interface GroupSaid extends Said {
  readonly letter: null
  readonly fingerprint: string
  readonly decision: string
}

const asDecision = ({ topic, at, said_by: by, why, fingerprint: group, decision }: GroupSaid): Decision => {
  return { topic, group, to: JSON.parse(decision) as GroupEntry['to'], at, by, why }
}

function asEntry(row: LetterSaid | GroupSaid): AuditEntry {
  if (row.letter === null) return asDecision(row)
  const { topic, at, said_by: by, why } = row
  const { letter, hops, failed_at: failedAt, disposition, redrive } = row
  return {
    ...{ topic, letter: unpackedId(letter), hops, failedAt, to: dispositions[disposition]!, at, by, why },
    ...(redrive !== null && { redrive }),
  }
}

const distinctOf = (disposition: (typeof dispositions)[number]) =>
  `count(DISTINCT CASE disposition WHEN ${dispositions.indexOf(disposition)} THEN letter END)`

const entries = `SELECT entry.rowid AS number, topic.name AS topic, letter, hops, failed_at, disposition, fingerprint, decision,
  at, said_by, why, redrive FROM entry JOIN topic ON topic.id = entry.topic`

const statements = (database: Database) => ({
  newest: database.prepare<LetterSaid | GroupSaid>(
    `${entries} WHERE (at, entry.rowid) < (?, ?) ORDER BY at DESC, entry.rowid DESC LIMIT ?`,
  ),
  decisions: database.prepare<GroupSaid>(
    `${entries} WHERE topic.name = ? AND fingerprint IS NOT NULL ORDER BY entry.rowid`,
  ),
  // From one name to the next by the index: a redrive may have a million entries.
  redrives: database.prepare<{
    readonly name: string
    readonly at: number
    readonly said_by: string
    readonly why: string
  }>(
    `WITH RECURSIVE known (name) AS (
       SELECT min(redrive) FROM entry WHERE redrive IS NOT NULL
       UNION ALL SELECT (SELECT min(redrive) FROM entry WHERE redrive > known.name) FROM known WHERE known.name IS NOT NULL
     )
     SELECT known.name AS name, at, said_by, why FROM known
     JOIN entry ON entry.rowid = (SELECT min(first.rowid) FROM entry AS first WHERE first.redrive = known.name)
     ORDER BY at DESC LIMIT ?`,
  ),
  said: database.prepare<{ readonly sent: number; readonly resolved: number }>(
    `SELECT count(DISTINCT letter) AS sent, ${distinctOf('resolved')} AS resolved FROM entry WHERE redrive = ?`,
  ),
  returned: database.prepare<{ readonly letters: number }>(
    `SELECT count(DISTINCT entry.letter) AS letters FROM entry
     JOIN letter ON letter.topic = entry.topic AND letter.id = entry.letter
     WHERE redrive = ? AND entry.disposition = ${dispositions.indexOf('redriving')} AND letter.hops > entry.hops`,
  ),
})
