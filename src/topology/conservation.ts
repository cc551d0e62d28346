import type { Broker, Count } from '../broker/broker.ts'
import { sumOf } from '../broker/counts.ts'
import { going } from './lineage.ts'
import { countedAs, type Plan } from './plan.ts'
import { groupsOf } from './retryTopic.ts'
import { sourcesOf } from './upstream.ts'

/** A pipeline's conservation: `read = emitted + dropped + dead + inFlight`. */
export interface Conservation extends Count {
  readonly inFlight: number
  /** Offsets of the source that were deleted before they were read, if any: they are in none of the others. */
  readonly expired?: number
}

/** The ledger of a pipeline: what it counted, and what its retry pipeline did of the same source records. */
export async function countsOf(broker: Pick<Broker, 'counts'>, pipeline: string): Promise<readonly Count[]> {
  const counts = await Promise.all(groupsOf(pipeline).map((group) => broker.counts(group)))
  return sumOf(counts.flat())
}

/**
 * The ledger of a plan's sources and streams, with a row of zeros for what has not been read yet. What operators let go by
 * the clock is counted under their own names.
 */
export function conservationOf({ subtopologies }: Plan, counts: readonly Count[]): readonly Conservation[] {
  const rowsOf = (source: string, stream: string) =>
    counts.filter((each) => each.source === source && each.stream === stream).map(withInFlight)
  return subtopologies.flatMap(({ sources, streams }) => [
    ...sources.flatMap(({ name: source }) => {
      const expired = going(counts, [source], 'expired')
      return streams.flatMap((stream): readonly Conservation[] => {
        if (stream.asideOf !== undefined || !sourcesOf(stream.name, streams).has(source)) return []
        const counted = rowsOf(source, countedAs(stream))
        const rows = counted.length === 0 && stream.from.includes(source) ? [none(source, countedAs(stream))] : counted
        return expired > 0 ? rows.map((row) => ({ ...row, expired })) : rows
      })
    }),
    ...streams.flatMap((stream) => stream.steps.flatMap(({ id }) => rowsOf(id, countedAs(stream)))),
  ])
}

const withInFlight = (count: Count): Conservation => ({
  ...count,
  inFlight: count.read - count.emitted - count.dropped - count.dead,
})

const none = (source: string, stream: string): Conservation => ({
  source,
  stream,
  read: 0,
  emitted: 0,
  dropped: 0,
  dead: 0,
  inFlight: 0,
})
