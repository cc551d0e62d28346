import type { Broker, Count } from '../broker/broker.ts'
import { sumOf } from '../broker/counts.ts'
import { going } from './lineage.ts'
import type { Plan } from './plan.ts'
import { retryGroupOf } from './retryTopic.ts'

/** A pipeline's conservation: `read = emitted + dropped + dead + inFlight`. */
export interface Conservation extends Count {
  readonly inFlight: number
  /** Offsets of the source that were deleted before they were read, if any: they are in none of the others. */
  readonly expired?: number
}

/** The ledger of a pipeline: what it counted, and what its retry pipeline did of the same source records. */
export async function countsOf(broker: Pick<Broker, 'counts'>, pipeline: string): Promise<readonly Count[]> {
  const counts = [...(await broker.counts(pipeline)), ...(await broker.counts(retryGroupOf(pipeline)))]
  return sumOf(counts)
}

/** The ledger of a plan's sources and streams, with a row of zeros for what has not been read yet. */
export function conservationOf({ subtopologies }: Plan, counts: readonly Count[]): readonly Conservation[] {
  return subtopologies.flatMap(({ sources, streams }) =>
    sources.flatMap((source) => {
      const expired = going(counts, [source.name], 'expired')
      const gone = expired > 0 && { expired }
      return streams.flatMap((stream): Conservation[] => {
        const count = counts.find((each) => each.source === source.name && each.stream === stream.name)
        if (!count) return stream.from.includes(source.name) ? [{ ...none(source.name, stream.name), ...gone }] : []
        return [{ ...count, inFlight: count.read - count.emitted - count.dropped - count.dead, ...gone }]
      })
    }),
  )
}

const none = (source: string, stream: string): Conservation => ({
  source,
  stream,
  read: 0,
  emitted: 0,
  dropped: 0,
  dead: 0,
  inFlight: 0,
})
