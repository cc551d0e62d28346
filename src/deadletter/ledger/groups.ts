import type { TopicInfo } from '../../broker/broker.ts'
import type { Database } from '../../broker/embedded/database.ts'
import type { LetterIndex } from './letterIndex.ts'
import { retentionWarnings } from './retention.ts'

/** The letters of a dead-letter topic by what became of them. */
export interface LetterCount {
  readonly topic: string
  /** Nobody has done anything about them: the true size. */
  readonly open: number
  /** Sent back, and without a new outcome yet. */
  readonly redriving: number
  /** Of those that the topic still keeps, as are those that are discarded. */
  readonly resolved: number
  readonly discarded: number
  /** Deleted by the topic's retention while they were open, as far as this index saw it. */
  readonly expired: number
  /** Open letters that the topic's retention deletes within a day. */
  readonly expiring: number
  /** What the topic still keeps, by its offsets: an upper bound. */
  readonly retained: number
  /** How often any letter failed, as far as this index saw it. */
  readonly failures: number
  /** When the oldest open one failed, milliseconds since the epoch; absent when there is none. */
  readonly oldest?: number
  /** What the topic will do to open ones, in words. */
  readonly warnings: readonly string[]
}

export type GroupState = 'new' | 'ongoing' | 'resolved' | 'regressed' | 'muted'

/** Letters of one topic that failed alike. */
export interface LetterGroup extends Omit<LetterCount, 'retained' | 'expiring' | 'failures' | 'warnings'> {
  readonly fingerprint: string
  readonly state: GroupState
  readonly pipeline: string
  readonly source: string
  readonly operator: string
  readonly code: string
  /** That of its latest letter. */
  readonly message: string
  /** When its first and its last letter failed, milliseconds since the epoch. */
  readonly first: number
  readonly last: number
  /** Failures by the hours of the last day, the current one last. */
  readonly trend: readonly number[]
}

const hourLength = 3_600_000
const hoursShown = 24
const day = hoursShown * hourLength

/** Counts letters by topics and by groups, from an index that follows them. */
export class LetterGroups {
  readonly #sql: ReturnType<typeof statements>

  constructor({ database }: LetterIndex) {
    this.#sql = statements(database)
  }

  /**
   * The letters of topics, in the order given; a topic that is not there has none.
   * @param now milliseconds since the epoch
   * @param wanted milliseconds that configs ask topics to keep their letters
   */
  counts(
    topics: readonly string[],
    infos: readonly TopicInfo[],
    now: number,
    wanted: ReadonlyMap<string, number> = new Map(),
  ): readonly LetterCount[] {
    return topics.map((topic) => {
      const info = infos.find(({ name }) => name === topic)
      const { partitions = [], retention } = info ?? {}
      const { oldest, ...counts } = this.#sql.counts.get(topic)!
      const expiring = retention === undefined ? 0 : this.#sql.expiring.get(topic, now + day - retention)!.letters
      return {
        topic,
        ...counts,
        expiring,
        warnings: info ? retentionWarnings(expiring, info, wanted.get(topic)) : [],
        retained: partitions.reduce((sum, { start, end }) => sum + Number(end - start), 0),
        ...(oldest !== null && { oldest }),
      }
    })
  }

  /** Those of the topics that have a group of a fingerprint, be it merged into another. */
  topicsOf(fingerprint: string, topics: readonly string[]): readonly string[] {
    return this.#sql.topicsOf.all(fingerprint, JSON.stringify(topics)).map(({ name }) => name)
  }

  /** Groups with letters to be dealt with first, the latest first among them. @param now milliseconds since the epoch */
  list(topics: readonly string[], now: number): readonly LetterGroup[] {
    const hour = Math.floor(now / hourLength)
    const trends = new Map<number, number[]>()
    for (const row of this.#sql.trend.iterate(hour - hoursShown, hour)) {
      const trend = trends.get(row.letter_group) ?? quiet()
      trend[row.hour - hour + hoursShown - 1] = row.letters
      trends.set(row.letter_group, trend)
    }
    return this.#sql.groups.all(JSON.stringify(topics)).map((row) => asGroup(row, trends.get(row.id) ?? quiet(), now))
  }
}

const quiet = (): number[] => Array<number>(hoursShown).fill(0)

interface GroupRow {
  readonly id: number
  readonly topic: string
  readonly fingerprint: string
  readonly pipeline: string
  readonly source: string
  readonly operator: string
  readonly code: string
  readonly message: string
  readonly open: number
  readonly redriving: number
  readonly resolved: number
  readonly discarded: number
  readonly expired: number
  readonly first_at: number
  readonly last_at: number
  readonly closed_at: number
  readonly muted: number
  readonly oldest: number | null
}

function asGroup(row: GroupRow, trend: readonly number[], now: number): LetterGroup {
  const { topic, fingerprint, pipeline, source, operator, code, message, oldest } = row
  const { open, redriving, resolved, discarded, expired, first_at: first, last_at: last } = row
  const about = { topic, fingerprint, state: stateOf(row, now), pipeline, source, operator, code, message }
  const counts = { open, redriving, resolved, discarded, expired, first, last, trend }
  return oldest === null ? { ...about, ...counts } : { ...about, ...counts, oldest }
}

/** Regressed: what had failed when a letter was last dealt with is all dealt with, and others have failed since. */
function stateOf({ muted, open, redriving, closed_at, oldest, first_at }: GroupRow, now: number): GroupState {
  if (muted > 0) return 'muted'
  if (open + redriving === 0) return 'resolved'
  if (closed_at > 0 && oldest !== null && oldest > closed_at) return 'regressed'
  return now - first_at < day ? 'new' : 'ongoing'
}

const open = 'letter.letter_group = letter_group.id AND disposition = 0'
const oldestOpen = `(SELECT min(failed_at) FROM letter WHERE ${open})`
const ofTopic = 'FROM letter_group WHERE topic = (SELECT id FROM topic WHERE name = ?1)'
const sumOf = (columns: readonly string[]): string =>
  columns.map((column) => `coalesce(sum(${column}), 0) AS ${column}`).join(', ')

type Counts = Pick<LetterCount, 'open' | 'redriving' | 'resolved' | 'discarded' | 'expired' | 'failures'>

const statements = (database: Database) => ({
  counts: database.prepare<Counts & { readonly oldest: number | null }>(
    `SELECT ${sumOf(['open', 'redriving', 'resolved', 'discarded', 'expired', 'failures'])}, min(${oldestOpen}) AS oldest ${ofTopic}`,
  ),
  expiring: database.prepare<{ readonly letters: number }>(
    `SELECT coalesce(sum((SELECT count(*) FROM letter WHERE ${open} AND failed_at < ?2)), 0) AS letters ${ofTopic}`,
  ),
  groups: database.prepare<GroupRow>(
    `SELECT letter_group.*, topic.name AS topic, ${oldestOpen} AS oldest
     FROM letter_group JOIN topic ON topic.id = letter_group.topic
     WHERE topic.name IN (SELECT value FROM json_each(?)) AND shown_in IS NULL
     ORDER BY open + redriving > 0 DESC, last_at DESC, letter_group.id`,
  ),
  topicsOf: database.prepare<{ readonly name: string }>(
    `SELECT topic.name AS name FROM letter_group JOIN topic ON topic.id = letter_group.topic
     WHERE fingerprint = ? AND topic.name IN (SELECT value FROM json_each(?))`,
  ),
  trend: database.prepare<{ readonly letter_group: number; readonly hour: number; readonly letters: number }>(
    'SELECT letter_group, hour, letters FROM hour WHERE hour > ? AND hour <= ?',
  ),
})
