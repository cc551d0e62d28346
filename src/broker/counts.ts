import type { Count } from './broker.ts'

/** Counts of the same source and stream added up, in the order of their names. */
export function sumOf(counts: readonly Count[]): Count[] {
  const totals = new Map<string, Count>()
  for (const count of counts) {
    const before = totals.get(nameOf(count))
    totals.set(nameOf(count), before ? add(before, count) : count)
  }
  return [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count)
}

const add = (a: Count, b: Count): Count => ({
  source: a.source,
  stream: a.stream,
  read: a.read + b.read,
  emitted: a.emitted + b.emitted,
  dropped: a.dropped + b.dropped,
  dead: a.dead + b.dead,
})

/** What tells the rows of a ledger apart. */
export const nameOf = ({ source, stream }: Count): string => `${source}\0${stream}`
