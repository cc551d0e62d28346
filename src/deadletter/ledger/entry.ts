import type { OutputRecord, StoredRecord } from '../../record/record.ts'
import type { Letter } from '../readLetter.ts'

/** What somebody can say of a letter. Expired is nothing to be said: its topic no longer has it. */
export const dispositions = ['open', 'redriving', 'resolved', 'discarded'] as const
export type Disposition = (typeof dispositions)[number]

/** One failure of a letter, by which it is told from others under the same id: a letter that fails again has another. */
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
  /**
   * How often this failure had been opened again, as far as whoever says so knew; an entry that opens it once more counts itself.
   * Absent where it is said of the failure as it stands by now: its record has passed, say.
   */
  readonly reopened?: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What was decided about a group of letters. */
export interface GroupEntry {
  /** Its fingerprint. */
  readonly group: string
  /** Split: its letters are a group of their own again. */
  readonly to: 'muted' | 'unmuted' | 'split' | { readonly mergedInto: string }
  readonly by: string
  readonly why: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

const suffix = '-ledger'
const groupPrefix = 'group '

/** The topic that says what became of the letters of a dead-letter topic. */
export const ledgerOf = (deadLetterTopic: string): string => `${deadLetterTopic}${suffix}`

/** Whether a topic is the ledger of one of the others. */
export const isLedger = (name: string, topics: ReadonlySet<string>): boolean =>
  name.endsWith(suffix) && topics.has(name.slice(0, -suffix.length))

/** The failure that an entry speaks of, as whoever says it knows the letter. */
export const subjectOf = ({
  id: letter,
  hops,
  failedAt,
  reopened,
}: Letter): Pick<LedgerEntry, 'letter' | 'hops' | 'failedAt' | 'reopened'> => ({
  letter,
  hops,
  failedAt,
  reopened: reopened?.times ?? 0,
})

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

/** A decision about a group as a record of the ledger of its dead-letter topic. */
export function groupEntryRecord(deadLetterTopic: string, { group, at, ...said }: GroupEntry): OutputRecord {
  return {
    topic: ledgerOf(deadLetterTopic),
    key: Buffer.from(groupPrefix + group),
    value: Buffer.from(JSON.stringify(said)),
    headers: [],
    timestamp: at,
  }
}

/** Undefined for what is no entry: anybody may write to a topic. */
export function readEntry({ key, value, timestamp: at }: StoredRecord): LedgerEntry | GroupEntry | undefined {
  const said = parse(value)
  const { by, why } = said
  if (key === null || typeof by !== 'string' || typeof why !== 'string') return undefined
  const name = key.toString()
  const about = { by, why, at }
  return name.startsWith(groupPrefix)
    ? asGroupEntry(name.slice(groupPrefix.length), said['to'], about)
    : asLetterEntry(name, said, about)
}

type Said = { readonly [field: string]: unknown }
type About = Pick<GroupEntry, 'by' | 'why' | 'at'>

function asLetterEntry(letter: string, said: Said, about: About): LedgerEntry | undefined {
  const { to, hops, failedAt, redrive, reopened } = said
  const isComplete =
    dispositions.includes(to as Disposition) && typeof hops === 'number' && typeof failedAt === 'number'
  if (!isComplete) return undefined
  const own = { letter, to: to as Disposition, hops, failedAt, ...about }
  return {
    ...own,
    ...(typeof redrive === 'string' && { redrive }),
    ...(typeof reopened === 'number' && { reopened }),
  }
}

function asGroupEntry(group: string, to: unknown, about: About): GroupEntry | undefined {
  if (to === 'muted' || to === 'unmuted' || to === 'split') return { group, to, ...about }
  const { mergedInto } = (to ?? {}) as Said
  return typeof mergedInto === 'string' ? { group, to: { mergedInto }, ...about } : undefined
}

function parse(value: Buffer | null): Said {
  try {
    return (JSON.parse(value?.toString() ?? '') as Said | null) ?? {}
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {}
    throw thrown
  }
}

/** Whether an entry, say, speaks of a failure: of no other one, be it earlier or later. */
export const isSameFailure = (one: FailureTime, other: FailureTime): boolean =>
  one.hops === other.hops && one.failedAt === other.failedAt

/**
 * Whether something is said of a failure as it stood before it was opened again: it changes nothing then.
 * @param said the number of an entry, if it has one @param reopened how often the failure was opened again by now
 */
export const isOutdated = (said: number | null | undefined, reopened: number): boolean => (said ?? reopened) < reopened

/** Whether one failure of a letter is after another, where their places on the topic do not tell. */
export const isLater = (one: FailureTime, other: FailureTime): boolean =>
  one.failedAt === other.failedAt ? one.hops > other.hops : one.failedAt > other.failedAt

/** A failure, and where its topic has it. */
export interface PlacedFailure extends FailureTime {
  readonly partition: number
  readonly offset: bigint
}

/**
 * Whether a letter failed after another time. Its key keeps it in one partition, which has its failures in their order; a letter without
 * a key, or of a topic with more partitions than before, may have them in several.
 */
export function isAfter(one: PlacedFailure, other: PlacedFailure): boolean {
  if (one.partition === other.partition) return one.offset > other.offset
  return isSameFailure(one, other) ? one.partition > other.partition : isLater(one, other)
}
