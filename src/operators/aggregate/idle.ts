import { keyOf } from '../../component/group.ts'
import type { Idle } from '../../component/idle.ts'
import { keptOrigin, originOf, type KeptOrigin } from '../../component/keptOrigin.ts'
import type { Clock } from '../../component/operator.ts'
import type { Record } from '../../record/record.ts'
import type { Aggregation } from './aggregation.ts'
import type { Into, PlannedField } from './into.ts'
import { valuesOf } from './results.ts'
import type { Windowed } from './windowed.ts'
import type { GroupWindow } from './windows.ts'

/** A field of what is accumulated, not of the results: the origin and index of the record that came last. */
export const originField = '.origin'

type Kept = readonly [...KeptOrigin, index: string]

const lastOrigin: Aggregation<Kept, Kept | null> = {
  input: ({ origin, index }) => [...keptOrigin(origin), index],
  initial: null,
  add: (_, input) => input,
  merge: (one, other) => other ?? one,
  result: (kept) => kept,
}
export const keepOrigin: PlannedField = { kind: 'origin', build: () => lastOrigin }

/** Closes windows by the clock where no record comes to move stream time on. */
export function closedByTheClock(idle: Idle, windows: Windowed, into: Into): Clock {
  const valueOf = valuesOf(into)
  const resultOf = (window: GroupWindow): Record => {
    const [source, topic, partition, offset, timestamp, index] = into.hidden(originField, window.accumulated) as Kept
    return {
      key: keyOf(window.group),
      value: valueOf(window),
      headers: [],
      timestamp: window.latest,
      origin: originOf([source, topic, partition, offset, timestamp]),
      index: `${index}@${window.end}`,
    }
  }
  return {
    due() {
      const { closesAt } = windows
      return closesAt === undefined ? undefined : idle.due(closesAt)
    },
    tick(now) {
      const streamTime = idle.streamTime(now)
      return streamTime === undefined ? [] : windows.advance(streamTime).map(resultOf)
    },
  }
}
