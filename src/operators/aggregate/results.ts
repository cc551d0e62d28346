import { drop, emit, emitAll, type Outcome } from '../../record/outcome.ts'
import type { Record } from '../../record/record.ts'
import type { forever } from './forever.ts'
import { keyOf } from '../../component/group.ts'
import type { Into } from './into.ts'
import { LateRecordFault, type Windowed } from './windowed.ts'
import type { Arrival, Emit, GroupWindow, Window } from './windows.ts'

/** What becomes of a record that came to be aggregated. @throws faults of the record */
export type Take = (record: Record, arrival: Arrival) => Outcome

/** Without windows: each record goes on as what its group has come to. */
export const unwindowed =
  (into: Into, accumulate: ReturnType<typeof forever>): Take =>
  (record, arrival) => {
    const { latest, accumulated } = accumulate(arrival)
    return emit(record, { ...record, timestamp: latest, value: into.result(accumulated) })
  }

export interface WindowedTake {
  readonly emit: Emit
  readonly late: 'deadLetter' | 'drop'
}

/** With windows: a record goes on as the windows that it changed, or as those that it closed. */
export function windowed(into: Into, windows: Windowed, { emit: when, late }: WindowedTake): Take {
  const valueOf = valuesOf(into)
  const resultOf = (window: GroupWindow, n: number, by: Record, own: string): Record => ({
    // The key of its group, and the highest time of its records.
    key: window.group === own ? by.key : keyOf(window.group),
    timestamp: window.latest,
    value: valueOf(window),
    headers: by.headers,
    origin: by.origin,
    index: `${by.index}.${n}`,
  })
  const resultsOf = (record: Record, arrival: Arrival): readonly Record[] | undefined => {
    try {
      const { changed, closed } = windows.take(arrival)
      if (changed === undefined) return undefined
      return (when === 'close' ? closed : changed).map((window, n) => resultOf(window, n, record, arrival.group))
    } catch (thrown) {
      // What it changed in the state is taken back.
      windows.forget()
      throw thrown
    }
  }
  return (record, arrival) => {
    const results = resultsOf(record, arrival)
    if (results !== undefined) return emitAll(record, results)
    if (late === 'drop') return drop(record, 'late')
    throw new LateRecordFault(arrival.time, windows.streamTime)
  }
}

/** The values of the results of windows. */
export function valuesOf(into: Into): (window: Window) => object {
  const textOf = rememberedTexts()
  return ({ start, end, accumulated }) => ({
    window_start: textOf(start),
    window_end: textOf(end),
    ...into.result(accumulated),
  })
}

/** Times as ISO 8601; the last ones are remembered, for many results are of the same windows. */
function rememberedTexts(): (time: number) => string {
  const texts = new Map<number, string>()
  return (time) => {
    const known = texts.get(time)
    if (known !== undefined) return known
    if (texts.size >= 256) texts.clear()
    const text = new Date(time).toISOString()
    texts.set(time, text)
    return text
  }
}
