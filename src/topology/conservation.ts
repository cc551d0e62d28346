import type { Count } from '../broker/broker.ts'
import type { Plan } from './plan.ts'

/** A pipeline's conservation: `read = emitted + dropped + dead + inFlight`. */
export interface Conservation extends Count {
  readonly inFlight: number
}

/** The ledger of a plan's sources and streams, with a row of zeros for what has not been read yet. */
export function conservationOf({ subtopologies }: Plan, counts: readonly Count[]): readonly Conservation[] {
  return subtopologies.flatMap(({ sources, streams }) =>
    sources.flatMap((source) =>
      streams.flatMap((stream): Conservation[] => {
        const count = counts.find((each) => each.source === source.name && each.stream === stream.name)
        if (!count) return stream.from.includes(source.name) ? [none(source.name, stream.name)] : []
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
