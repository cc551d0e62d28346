import type { Database } from '../../broker/embedded/database.ts'
import type { LetterIndex } from './letterIndex.ts'

/** Whom the letters of a group are of, those with most letters first. */
export interface Affected {
  /** So many letters were looked at, the latest. */
  readonly letters: number
  readonly keys: readonly { readonly key: Buffer | null; readonly letters: number }[]
  readonly sources: readonly { readonly name: string; readonly letters: number }[]
  /** Of the config. */
  readonly revisions: readonly { readonly name: string; readonly letters: number }[]
}

/** The latest letters of a group that are looked at: a group may have a million. */
const mostLetters = 10_000
const mostShown = 10

/** Tells what the letters of a group have in common. */
export class AffectedBy {
  readonly #database: Database
  readonly #sql: ReturnType<typeof statements>

  constructor({ database }: LetterIndex) {
    this.#database = database
    this.#sql = statements(database)
  }

  of(topic: string, fingerprint: string): Affected {
    const group = [topic, fingerprint] as const
    return this.#database.read(() => ({
      letters: this.#sql.letters.get(...group)!.letters,
      keys: this.#sql.keys.all(...group).map(({ key, letters }) => ({ key: key && Buffer.from(key), letters })),
      sources: this.#sql.sources.all(...group),
      revisions: this.#sql.revisions.all(...group),
    }))
  }
}

interface Named {
  readonly name: string
  readonly letters: number
}

const ownLetters = `(SELECT key, source, revision FROM letter WHERE letter_group =
  (SELECT letter_group.id FROM letter_group JOIN topic ON topic.id = letter_group.topic WHERE topic.name = ? AND fingerprint = ?)
  ORDER BY failed_at DESC LIMIT ${mostLetters})`
const mostFirst = `GROUP BY 1 ORDER BY letters DESC, 1 LIMIT ${mostShown}`
const named = (column: string) =>
  `SELECT word.text AS name, count(*) AS letters FROM ${ownLetters} AS own JOIN word ON word.id = own.${column} ${mostFirst}`

const statements = (database: Database) => ({
  letters: database.prepare<{ readonly letters: number }>(`SELECT count(*) AS letters FROM ${ownLetters}`),
  keys: database.prepare<{ readonly key: Uint8Array | null; readonly letters: number }>(
    `SELECT key, count(*) AS letters FROM ${ownLetters} ${mostFirst}`,
  ),
  sources: database.prepare<Named>(named('source')),
  revisions: database.prepare<Named>(named('revision')),
})
