import type { StateStore } from '../../component/state.ts'
import { timeText, timeTextLength } from '../../component/timeText.ts'
import type { Side } from './combine.ts'
import type { Kept } from './sideBuffer.ts'
import type { Arrival } from './windows.ts'

/** A record that met none until its window closed. */
export interface Alone extends Arrival {
  readonly side: Side
}

export interface UnmatchedOptions {
  /** Whether records of a side are to leave alone. */
  readonly alone: { readonly [side in Side]: boolean }
  /** Milliseconds of stream time that a record of a side waits for another. */
  readonly closesAfter: { readonly [side in Side]: number }
}

const first = 'u'
const behind = 'v'

/** Records that have met none yet and leave alone when their windows close: an entry for those of one time, side and key. */
export class Unmatched {
  readonly #options: UnmatchedOptions
  readonly #state: StateStore
  /** The earliest time that a window closes after; undefined when it has to be looked up. */
  #due: number | undefined

  constructor(options: UnmatchedOptions, state: StateStore) {
    this.#options = options
    this.#state = state
  }

  /** @returns false where its window is closed, so that it is not kept */
  add(side: Side, { group, time, value }: Arrival, streamTime: number): boolean {
    const due = time + this.#options.closesAfter[side]
    if (due < streamTime) return false
    const key = keyOf(side, group, time)
    const values = (this.#state.get(key) as readonly unknown[] | undefined) ?? []
    this.#state.set(key, [...values, value])
    if (this.#due !== undefined) this.#due = Math.min(this.#due, due)
    return true
  }

  /** These records of a key have met another. */
  remove(side: Side, group: string, met: readonly Kept[]): void {
    if (!this.#options.alone[side]) return
    for (const time of new Set(met.map(([time]) => time))) {
      const key = keyOf(side, group, time)
      if (this.#state.get(key) !== undefined) this.#state.delete(key)
    }
  }

  /** Takes out those whose windows are closed at a time: in order of time, those of the right side first, then of key. */
  close(streamTime: number): readonly Alone[] {
    if (!this.#options.alone.left || streamTime <= (this.#due ?? -1)) return []
    const open = new Set<Side>()
    const closed: { readonly key: string; readonly records: readonly Alone[] }[] = []
    this.#due = Infinity
    for (const [key, values] of this.#state.entries(first, behind)) {
      const { side, ...place } = placeOf(key)
      const due = place.time + this.#options.closesAfter[side]
      if (due < streamTime) {
        closed.push({ key, records: (values as readonly unknown[]).map((value) => ({ side, ...place, value })) })
        continue
      }
      this.#due = Math.min(this.#due, due)
      open.add(side)
      if (open.has('left') && (open.has('right') || !this.#options.alone.right)) break
    }
    for (const { key } of closed) this.#state.delete(key)
    return closed.flatMap(({ records }) => records)
  }
}

const marks = { left: '1', right: '0' } as const

const keyOf = (side: Side, group: string, time: number): string => first + timeText(time) + marks[side] + group

function placeOf(key: string): { readonly side: Side; readonly group: string; readonly time: number } {
  const end = 1 + timeTextLength
  return {
    side: key[end] === marks.left ? 'left' : 'right',
    group: key.slice(end + 1),
    time: Number(key.slice(1, end)),
  }
}
