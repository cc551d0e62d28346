import type { Batch } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import type { Draft } from './draft.ts'

/** Counts offsets that were deleted before they were read, with the unit that passes them, and says so: nobody else will. */
export function tellExpired({ topic, partition, expired = 0 }: Omit<Batch, 'records'>, draft: Draft, log: Log): void {
  if (expired === 0) return
  draft.expired(topic, expired)
  const what = expired === 1 ? '1 offset was' : `${expired} offsets were`
  log.error(
    { source: topic, partition, expired },
    `${topic}, partition ${partition}: ${what} deleted before the pipeline read them, and what they held is lost to it. Give the topic a longer retention, or the pipeline more replicas or shorter pauses.`,
  )
}
