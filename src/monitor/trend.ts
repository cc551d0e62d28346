import type { Count } from '../broker/broker.ts'
import type { GroupState, LetterGroup } from '../deadletter/ledger/groups.ts'
import { isAside } from '../topology/lineage.ts'

/** Source records with a final outcome in a stream, ever. */
type Finished = {
  readonly source: string
  readonly stream: string
  readonly read: number
  readonly dead: number
}

/** What the next sample is compared with. */
export type Cursor = {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Letters ever written, by dead-letter topic. */
  readonly written: { readonly [topic: string]: number }
  readonly finished: readonly Finished[]
  /** The same before any of a source's counts last changed. */
  readonly before: readonly Finished[]
  /** The states of groups with letters to be dealt with, by topic and fingerprint. */
  readonly groups?: { readonly [group: string]: GroupState }
}

/** So many groups are kept in mind at most, the latest. */
const mostGroups = 2_000

/** Groups that are new since a sample, and those that failed again after all had been dealt with; muted ones are neither. */
export function newsOf(
  groups: readonly LetterGroup[],
  last: Cursor | undefined,
): { readonly fresh: readonly LetterGroup[]; readonly regressed: readonly LetterGroup[] } {
  const stateThen = (group: LetterGroup) => last?.groups?.[nameOf(group)]
  return {
    fresh: groups.filter((group) => group.state === 'new' && stateThen(group) === undefined),
    regressed: groups.filter((group) => group.state === 'regressed' && stateThen(group) !== 'regressed'),
  }
}

/** What the next sample compares groups with. */
export const statesOf = (groups: readonly LetterGroup[]): NonNullable<Cursor['groups']> =>
  Object.fromEntries(
    groups
      .filter(({ state }) => state !== 'resolved')
      .slice(0, mostGroups)
      .map((group) => [nameOf(group), group.state]),
  )

const nameOf = ({ topic, fingerprint }: LetterGroup): string => `${topic}/${fingerprint}`

/** The cursor after a sample. */
export function advance(
  last: Cursor | undefined,
  at: number,
  written: Cursor['written'],
  counts: readonly Count[],
): Cursor {
  const finished = counts
    .filter(({ stream }) => !isAside(stream))
    .map(({ source, stream, emitted, dropped, dead }): Finished => ({
      source,
      stream,
      read: emitted + dropped + dead,
      dead,
    }))
  const moved = new Set(
    finished.filter((count) => count.read !== find(last?.finished, count).read).map(({ source }) => source),
  )
  return {
    at,
    written,
    finished,
    before: finished.map((count) => find(moved.has(count.source) ? last?.finished : last?.before, count)),
  }
}

/**
 * What finished between the last two samples that saw any record of a source finish: in the stream where the largest
 * share of it was dead.
 */
export function finishedSince(
  { finished, before }: Cursor,
  sources: readonly string[],
): { readonly read: number; readonly dead: number } {
  const grown = finished
    .filter(({ source }) => sources.includes(source))
    .map((now) => {
      const then = find(before, now)
      // A redriven record is not finished any more.
      return { read: Math.max(0, now.read - then.read), dead: Math.max(0, now.dead - then.dead) }
    })
  return grown.reduce((worst, other) => (share(other) > share(worst) || worst.read === 0 ? other : worst), {
    read: 0,
    dead: 0,
  })
}

export const share = ({ read, dead }: { readonly read: number; readonly dead: number }): number =>
  read > 0 ? dead / read : 0

const find = (
  all: readonly Finished[] | undefined,
  { source, stream }: { readonly source: string; readonly stream: string },
): Finished =>
  all?.find((count) => count.source === source && count.stream === stream) ?? { source, stream, read: 0, dead: 0 }
