import type { Clock } from '../../component/operator.ts'
import { keyOf } from '../../component/group.ts'
import { Fault } from '../../record/fault.ts'
import { drop, fail, type Ending } from '../../record/outcome.ts'
import type { Header, Record } from '../../record/record.ts'
import type { Side } from './combine.ts'
import type { Unmet } from './unmatched.ts'
import type { JoinWindows } from './windows.ts'

/** There is nothing that the record could be joined with. */
export class JoinMissedFault extends Fault {
  readonly code = 'join.missed'
  readonly disposition = 'deadLetter'
}

/** What becomes of a record that met none and may not leave alone. */
export type Missing = 'drop' | 'deadLetter'

/** What is kept of a record that may be missed: all but its key. The offset is text, for it may be beyond a number. */
type Memory = readonly [
  value: unknown,
  headers: readonly Header[],
  timestamp: number,
  index: string,
  source: string,
  topic: string,
  partition: number,
  offset: string,
  originTimestamp: number,
]

export const memoryOf = ({ value, headers, timestamp, index, origin }: Record): Memory => [
  value,
  headers,
  timestamp,
  index,
  origin.source,
  origin.topic,
  origin.partition,
  String(origin.offset),
  origin.timestamp,
]

/** The record as it came; its index tells it from all others that the operator has kept. */
function recordOf({ group, what }: Unmet): Record {
  const [value, headers, timestamp, index, source, topic, partition, offset, originTimestamp] = what as Memory
  const origin = { source, topic, partition, offset: BigInt(offset), timestamp: originTimestamp }
  return { key: keyOf(group), value, headers, timestamp, origin, index: `${index}@${topic}/${partition}/${offset}` }
}

/** Ends what met none, once its window is closed. @param others what records of a side could have met, for messages */
export const missedByTheClock = (
  windows: JoinWindows,
  missing: { readonly [side in Side]?: Missing | undefined },
  others: { readonly [side in Side]: string },
): Clock => ({
  due: () => (windows.isMissing ? 0 : undefined),
  tick: () =>
    windows.closeMissed().map((unmet): Ending => {
      const record = recordOf(unmet)
      if (missing[unmet.side] === 'drop') return drop(record, 'no match')
      const message = `No record of ${others[unmet.side]} with the record's key came within the window.`
      return fail(record, new JoinMissedFault(message))
    }),
})
