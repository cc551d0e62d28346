import type { StateStore } from '../../component/state.ts'
import { timeText, timeTextLength } from '../../component/timeText.ts'
import type { Side } from './combine.ts'
import type { Kept } from './sideBuffer.ts'

/** A record's key as text, and its time: milliseconds since 1970. */
export interface Place {
  readonly group: string
  readonly time: number
}

/** A record that met none until its window closed. */
export interface Unmet extends Place {
  readonly side: Side
  /** What was kept of it. */
  readonly what: unknown
}

export interface UnmatchedOptions {
  /** A letter that no other keys of the state begin with. */
  readonly prefix: string
  /** The sides whose records are waited for. */
  readonly sides: { readonly [side in Side]: boolean }
  /** Milliseconds of stream time that a record of a side waits for another. */
  readonly closesAfter: { readonly [side in Side]: number }
}

/** Records that have met none yet, until their windows close: an entry for those of one time, side and key. */
export class Unmatched {
  readonly #options: UnmatchedOptions
  readonly #state: StateStore
  /** The earliest time that a window closes after; undefined when it has to be looked up. */
  #due: number | undefined

  constructor(options: UnmatchedOptions, state: StateStore) {
    this.#options = options
    this.#state = state
  }

  /** Whether some may be closed at a time. */
  isDue(streamTime: number): boolean {
    const { left, right } = this.#options.sides
    return (left || right) && streamTime > (this.#due ?? -1)
  }

  /** The time that the next window closes after; undefined where none waits. It may be earlier than that. */
  get closesAfter(): number | undefined {
    this.#due ??= this.#earliest()
    return this.#due === Infinity ? undefined : this.#due
  }

  /** Whether the window of a record is closed at a time. */
  isClosed(side: Side, time: number, streamTime: number): boolean {
    return time + this.#options.closesAfter[side] < streamTime
  }

  add(side: Side, { group, time }: Place, what: unknown): void {
    const key = this.#keyOf(side, group, time)
    const kept = (this.#state.get(key) as readonly unknown[] | undefined) ?? []
    this.#state.set(key, [...kept, what])
    if (this.#due !== undefined) this.#due = Math.min(this.#due, time + this.#options.closesAfter[side])
  }

  /** These records of a key have met another. */
  remove(side: Side, group: string, met: readonly Kept[]): void {
    if (!this.#options.sides[side]) return
    for (const time of new Set(met.map(([time]) => time))) {
      const key = this.#keyOf(side, group, time)
      if (this.#state.get(key) !== undefined) this.#state.delete(key)
    }
  }

  /** Takes out those whose windows are closed at a time: in order of time, those of the right side first, then of key. */
  close(streamTime: number): readonly Unmet[] {
    if (!this.isDue(streamTime)) return []
    const { prefix, sides, closesAfter } = this.#options
    const waiting = new Set((['left', 'right'] as const).filter((side) => sides[side]))
    const closed: { readonly key: string; readonly records: readonly Unmet[] }[] = []
    this.#due = Infinity
    for (const [key, kept] of this.#state.entries(prefix, `${prefix}~`)) {
      const { side, ...place } = placeOf(key)
      const due = place.time + closesAfter[side]
      if (due < streamTime) {
        closed.push({ key, records: (kept as readonly unknown[]).map((what) => ({ side, ...place, what })) })
        continue
      }
      this.#due = Math.min(this.#due, due)
      // Those after it, of its side, close later.
      waiting.delete(side)
      if (waiting.size === 0) break
    }
    for (const { key } of closed) this.#state.delete(key)
    return closed.flatMap(({ records }) => records)
  }

  /** Forgets what it knows beside the state, whose latest changes may have been taken back. */
  forget(): void {
    this.#due = undefined
  }

  #earliest(): number {
    const { prefix, sides, closesAfter } = this.#options
    const waiting = new Set((['left', 'right'] as const).filter((side) => sides[side]))
    let earliest = Infinity
    for (const key of this.#state.keys(prefix, `${prefix}~`)) {
      const { side, time } = placeOf(key)
      if (waiting.delete(side)) earliest = Math.min(earliest, time + closesAfter[side])
      if (waiting.size === 0) break
    }
    return earliest
  }

  #keyOf(side: Side, group: string, time: number): string {
    return this.#options.prefix + timeText(time) + marks[side] + group
  }
}

const marks = { left: '1', right: '0' } as const

function placeOf(key: string): Place & { readonly side: Side } {
  const end = 1 + timeTextLength
  return {
    side: key[end] === marks.left ? 'left' : 'right',
    group: key.slice(end + 1),
    time: Number(key.slice(1, end)),
  }
}
