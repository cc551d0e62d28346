import type { StateStore } from '../../component/state.ts'
import { timeText, timeTextLength } from '../../component/timeText.ts'
import type { Accumulated } from './into.ts'
import {
  forgottenAtOnce,
  type Accumulation,
  type Arrival,
  type Closed,
  type Emit,
  type GroupWindow,
  type Taken,
  type WindowStore,
} from './windows.ts'

type Kept = readonly [latest: number, accumulated: Accumulated]

export interface FixedOptions {
  readonly size: number
  readonly every: number
  readonly grace: number
  readonly emit: Emit
}

const first = 'w'
const behind = 'x'

/**
 * Tumbling and hopping windows, [start, end), aligned to 1970. An entry of the state for each window of each group, under
 * its end and group: the order in which they close.
 */
export class FixedWindows implements WindowStore {
  readonly #options: FixedOptions
  readonly #accumulation: Accumulation
  readonly #state: StateStore
  /** The earliest end of a window in the state; undefined when it has to be looked up. */
  #due: number | undefined
  /** What keys began with last. */
  #end = NaN
  #endText = ''
  readonly patience: number

  constructor(options: FixedOptions, accumulation: Accumulation, state: StateStore) {
    this.#options = options
    this.#accumulation = accumulation
    this.#state = state
    this.patience = options.grace
  }

  take(arrival: Arrival, streamTime: number): Taken {
    const { size, every } = this.#options
    let changed: GroupWindow[] | undefined
    let opened = 0
    for (let start = firstStart(arrival.time, size, every); start <= arrival.time; start += every) {
      const end = start + size
      if (end <= streamTime - this.patience) continue
      const key = this.#keyOf(end, arrival.group)
      const kept = this.#state.get(key) as Kept | undefined
      const window = this.#accumulated(kept, start, arrival)
      this.#state.set(key, [window.latest, window.accumulated] satisfies Kept)
      if (kept === undefined) {
        opened++
        if (this.#due !== undefined) this.#due = Math.min(this.#due, end)
      }
      if (changed) changed.push(window)
      else changed = [window]
    }
    return { changed, opened }
  }

  get closesAt(): number | undefined {
    this.#due ??= this.#earliest()
    return this.#due === Infinity ? undefined : this.#due + this.patience
  }

  close(_before: number, streamTime: number): Closed {
    const closedTo = streamTime - this.patience
    this.#due ??= this.#earliest()
    if (closedTo < this.#due) return { closed: [], removed: 0 }

    this.#due = Infinity
    if (this.#options.emit === 'update') return { closed: [], removed: this.#forgetPassed(closedTo) }
    const closed = this.#passed(closedTo)
    for (const { end, group } of closed) this.#state.delete(this.#keyOf(end, group))
    return { closed, removed: closed.length }
  }

  forget(): void {
    this.#due = undefined
  }

  /** Those that closed; sees when the next one does. */
  #passed(closedTo: number): readonly GroupWindow[] {
    const passed: GroupWindow[] = []
    for (const [key, value] of this.#state.entries(first, behind)) {
      const end = endOf(key)
      if (end > closedTo) {
        this.#due = end
        break
      }
      const [latest, accumulated] = value as Kept
      passed.push({ group: key.slice(1 + timeTextLength), start: end - this.#options.size, end, latest, accumulated })
    }
    return passed
  }

  /** Forgets closed windows that nobody wants, some at a time. @returns how many */
  #forgetPassed(closedTo: number): number {
    const passed: string[] = []
    for (const key of this.#state.keys(first, behind)) {
      const end = endOf(key)
      if (end > closedTo || passed.length === forgottenAtOnce) {
        this.#due = end
        break
      }
      passed.push(key)
    }
    for (const key of passed) this.#state.delete(key)
    return passed.length
  }

  #accumulated(kept: Kept | undefined, start: number, { group, time, inputs }: Arrival): GroupWindow {
    const { initial, add } = this.#accumulation
    const [latest, accumulated] = kept ?? [time, initial]
    const end = start + this.#options.size
    return { group, start, end, latest: Math.max(latest, time), accumulated: add(accumulated, inputs) }
  }

  /** The text of the end is made once for many records of a window. */
  #keyOf(end: number, group: string): string {
    if (end !== this.#end) {
      this.#end = end
      this.#endText = first + timeText(end)
    }
    return this.#endText + group
  }

  #earliest(): number {
    for (const key of this.#state.keys(first, behind)) return endOf(key)
    return Infinity
  }
}

/** The start of the first window that a time lies in; none is before 1970. */
const firstStart = (time: number, size: number, every: number): number =>
  Math.floor(Math.max(0, time - size + every) / every) * every

const endOf = (key: string): number => Number(key.slice(1, 1 + timeTextLength))
