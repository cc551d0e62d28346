import type { Broker, Count } from '../broker/broker.ts'
import { sumOf } from '../broker/counts.ts'
import type { Plan } from './plan.ts'
import { retryGroupOf } from './retryTopic.ts'
import { sourcesOf } from './upstream.ts'

/** A pipeline's conservation: `read = emitted + dropped + dead + inFlight`. */
export interface Conservation extends Count {
  readonly inFlight: number
}

/** The ledger of a pipeline: what it counted, and what its retry pipeline did of the same source records. */
export async function countsOf(broker: Pick<Broker, 'counts'>, pipeline: string): Promise<readonly Count[]> {
  const counts = [...(await broker.counts(pipeline)), ...(await broker.counts(retryGroupOf(pipeline)))]
  return sumOf(counts)
}

/** The ledger of a plan's sources and streams, with a row of zeros for what has not been read yet. */
export function conservationOf({ subtopologies }: Plan, counts: readonly Count[]): readonly Conservation[] {
  return subtopologies.flatMap(({ sources, streams }) =>
    sources.flatMap((source) =>
      streams.flatMap((stream): Conservation[] => {
        if (!sourcesOf(stream.name, streams).has(source.name)) return []
        const { stream: name } = stream.written
        const count = counts.find((each) => each.source === source.name && each.stream === name)
        if (!count) return stream.from.includes(source.name) ? [none(source.name, name)] : []
        return [{ ...count, inFlight: count.read - count.emitted - count.dropped - count.dead }]
      }),
    ),
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
