import { keyOf } from '../../component/group.ts'
import type { Idle } from '../../component/idle.ts'
import { keptOrigin, originOf, type KeptOrigin } from '../../component/keptOrigin.ts'
import type { Clock } from '../../component/operator.ts'
import { asFault } from '../../record/fault.ts'
import { drop, fail, type Ending } from '../../record/outcome.ts'
import type { Header, Record } from '../../record/record.ts'
import type { Combine, Side } from './combine.ts'
import { JoinMissedFault, type Missing } from './missed.ts'
import type { Unmet } from './unmatched.ts'
import type { JoinWindows } from './windows.ts'

/** What is kept of a record that may leave, or end, without another one: all but its key. */
type Memory = readonly [
  value: unknown,
  headers: readonly Header[],
  timestamp: number,
  index: string,
  ...origin: KeptOrigin,
]

export const memoryOf = ({ value, headers, timestamp, index, origin }: Record): Memory => [
  value,
  headers,
  timestamp,
  index,
  ...keptOrigin(origin),
]

/** The value of a record that waited. */
export const valueIn = (memory: unknown): unknown => (memory as Memory)[0]

/** The record as it came; its index tells it from all others that the operator has kept. */
function recordOf({ group, what }: Unmet): Record {
  const [value, headers, timestamp, index, source, topic, partition, offset, originTimestamp] = what as Memory
  const origin = originOf([source, topic, partition, offset, originTimestamp])
  return { key: keyOf(group), value, headers, timestamp, origin, index: `${index}@${topic}/${partition}/${offset}` }
}

export interface Waiting {
  readonly combine: Combine
  readonly missing: { readonly [side in Side]?: Missing | undefined }
  /** What records of a side could have met, for messages. */
  readonly others: { readonly [side in Side]: string }
  /** When the clock moves time on; where it is absent, only records do. */
  readonly idle: Idle | undefined
}

/** What becomes, without a record, of those that met none: they leave alone by the clock, or end as missed. */
export function doneWaiting(windows: JoinWindows, { combine, missing, others, idle }: Waiting): Clock {
  const alone = (unmet: Unmet): Record | Ending => {
    const record = recordOf(unmet)
    try {
      return { ...record, value: combine.alone(unmet.side, record.value), timestamp: unmet.time }
    } catch (thrown) {
      // A value that was kept before the config changed may hold no such field.
      return fail(record, asFault('join', thrown))
    }
  }
  const missed = (unmet: Unmet): Ending => {
    const record = recordOf(unmet)
    if (missing[unmet.side] === 'drop') return drop(record, 'no match')
    const message = `No record of ${others[unmet.side]} with the record's key came within the window.`
    return fail(record, new JoinMissedFault(message))
  }
  return {
    due() {
      if (windows.isMissing) return 0
      const { closesAt } = windows
      return idle && closesAt !== undefined ? idle.due(closesAt) : undefined
    },
    tick(now) {
      const streamTime = idle?.streamTime(now)
      const leaving = streamTime === undefined ? [] : windows.advance(streamTime).map(alone)
      return [...leaving, ...windows.closeMissed().map(missed)]
    },
  }
}
