import type { OutputRecord, StoredRecord } from '../../record/record.ts'

/** What somebody can say of a letter. Expired is nothing to be said: its topic no longer has it. */
export const dispositions = ['open', 'redriving', 'resolved', 'discarded'] as const
export type Disposition = (typeof dispositions)[number]

/** One failure of a letter: a letter that fails again is a later one under the same id. */
export interface FailureTime {
  /** How often the record had been sent back. */
  readonly hops: number
  /** Milliseconds since the epoch. */
  readonly failedAt: number
}

/** What became of a letter: a line of its audit trail. */
export interface LedgerEntry extends FailureTime {
  readonly letter: string
  readonly to: Disposition
  /** Who says so: a person, or the pipeline that gave the record its outcome. */
  readonly by: string
  /** Why; empty where nobody said. */
  readonly why: string
  /** The redrive that it is part of. */
  readonly redrive?: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

const suffix = '-ledger'

/** The topic that says what became of the letters of a dead-letter topic. */
export const ledgerOf = (deadLetterTopic: string): string => `${deadLetterTopic}${suffix}`

/** Whether a topic is the ledger of one of the others. */
export const isLedger = (name: string, topics: ReadonlySet<string>): boolean =>
  name.endsWith(suffix) && topics.has(name.slice(0, -suffix.length))

/** An entry as a record of the ledger of a dead-letter topic. */
export function entryRecord(deadLetterTopic: string, { letter, at, ...said }: LedgerEntry): OutputRecord {
  return {
    topic: ledgerOf(deadLetterTopic),
    key: Buffer.from(letter),
    value: Buffer.from(JSON.stringify(said)),
    headers: [],
    timestamp: at,
  }
}

/** Undefined for what is no entry: anybody may write to a topic. */
export function readEntry({ key, value, timestamp: at }: StoredRecord): LedgerEntry | undefined {
  let said: { readonly [field: string]: unknown } | null
  try {
    said = JSON.parse(value?.toString() ?? '') as { readonly [field: string]: unknown } | null
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
  const { to, by, why, hops, failedAt, redrive } = said ?? {}
  const isComplete =
    key !== null &&
    dispositions.includes(to as Disposition) &&
    typeof by === 'string' &&
    typeof why === 'string' &&
    typeof hops === 'number' &&
    typeof failedAt === 'number'
  if (!isComplete) return undefined
  const own = { letter: key.toString(), to: to as Disposition, by, why, hops, failedAt, at }
  return typeof redrive === 'string' ? { ...own, redrive } : own
}

/** Whether one failure of a letter is after another. */
export const isLater = (one: FailureTime, other: FailureTime): boolean =>
  one.hops === other.hops ? one.failedAt > other.failedAt : one.hops > other.hops
