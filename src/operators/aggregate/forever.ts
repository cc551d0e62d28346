import type { StateStore } from '../../component/state.ts'
import type { Accumulated } from './into.ts'
import type { Accumulation, Arrival } from './windows.ts'

type Kept = readonly [latest: number, accumulated: Accumulated]

/** What was accumulated of a group since ever. */
export interface Standing {
  /** The highest time of its records. */
  readonly latest: number
  readonly accumulated: Accumulated
}

/** Takes records into groups that have no windows: an entry of the state for each. */
export const forever =
  ({ initial, add }: Accumulation, state: StateStore) =>
  ({ group, time, inputs }: Arrival): Standing => {
    const [latest, accumulated] = (state.get(`g${group}`) as Kept | undefined) ?? [time, initial]
    const standing = { latest: Math.max(latest, time), accumulated: add(accumulated, inputs) }
    state.set(`g${group}`, [standing.latest, standing.accumulated] satisfies Kept)
    return standing
  }
