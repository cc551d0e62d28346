import type { GroupKind } from './groupedWindows.ts'
import { accumulate, type Accumulation, type Arrival, type Window } from './windows.ts'

/**
 * Sliding windows as those of Kafka Streams (KIP-450): for each record the window that ends with it, its left one, and,
 * where later records are near, the one that begins right after it, its right one.
 */
export const sliding = (size: number): GroupKind => ({
  idle: 0,
  needed: size + 1,
  take(windows, arrival, closedBefore, accumulation) {
    if (arrival.time + size < closedBefore) return undefined
    const slide = new Slide(windows, arrival, { size, closedBefore, accumulation })
    if (arrival.time < size) slide.early()
    else slide.on()
    return slide.taken
  },
})

interface SlideOptions {
  readonly size: number
  readonly closedBefore: number
  readonly accumulation: Accumulation
}

/** What one record does to the windows of its group. */
class Slide {
  readonly #arrival: Arrival
  readonly #options: SlideOptions
  readonly #windows: Map<number, Window>
  readonly #changed: Window[] = []
  #isIn = false

  constructor(windows: readonly Window[], arrival: Arrival, options: SlideOptions) {
    this.#arrival = arrival
    this.#options = options
    this.#windows = new Map(windows.map((window) => [window.start, window]))
  }

  get taken() {
    if (!this.#isIn) return undefined
    return { windows: [...this.#windows.values()].sort((a, b) => a.start - b.start), changed: this.#changed }
  }

  /** A record whose left window begins after 1970. */
  on(): void {
    const { time } = this.#arrival
    const { size } = this.#options
    const earlier = [...this.#windows.values()]
      .filter(({ start }) => start >= time - 2 * size && start <= time)
      .sort((a, b) => b.start - a.start)
    const around = earlier.filter(({ end }) => end > time)
    const left = earlier.find(({ end }) => end === time)
    const before = earlier.find(({ end }) => end < time)

    for (const window of around) this.#update(window)
    if (left) this.#update(left)
    // A record of the same time was here.
    if (left && left.latest >= time) return

    const previous = (left ?? before)?.latest
    if (previous !== undefined && previous + 1 + size >= time) this.#openAfter(previous)
    if (!left) this.#update(this.#leftWindow(before))
    this.#openRight(around[0])
  }

  /** A record near 1970: the window that begins then stands for the left windows of all such records. */
  early(): void {
    const { time } = this.#arrival
    const { size } = this.#options
    const combined = this.#windows.get(0)
    const around = [...this.#windows.values()]
      .filter(({ start }) => start > 0 && start <= time)
      .sort((a, b) => a.start - b.start)

    for (const window of around) this.#update(window)
    this.#openRight(around.at(-1) ?? combined)
    if (combined && combined.latest < time) this.#openAfter(combined.latest)
    this.#update(combined ?? this.#empty(0, size))
  }

  /** The record's left window, with the records that it shares with the left window of the one before. */
  #leftWindow(before: Window | undefined): Window {
    const { time } = this.#arrival
    const start = time - this.#options.size
    const empty = this.#empty(start, time)
    return before && before.latest >= start ? { ...empty, accumulated: before.accumulated } : empty
  }

  /** The record before has a right window now: the one that begins with this record. */
  #openAfter(previous: number): void {
    const start = previous + 1
    if (!this.#windows.has(start)) this.#update(this.#empty(start, start + this.#options.size))
  }

  /** The record's right window, where there are later records. @param around as it was before this record */
  #openRight(around: Window | undefined): void {
    const start = this.#arrival.time + 1
    if (this.#windows.has(start) || around === undefined || around.latest < start) return
    const { latest, accumulated } = around
    this.#put({ start, end: start + this.#options.size, latest, accumulated })
  }

  #update(window: Window): void {
    if (window.end < this.#options.closedBefore) return
    this.#isIn = true
    this.#put(accumulate(window, this.#arrival, this.#options.accumulation))
  }

  #put(window: Window): void {
    this.#windows.set(window.start, window)
    this.#changed.push(window)
  }

  #empty(start: number, end: number): Window {
    return { start, end, latest: this.#arrival.time, accumulated: this.#options.accumulation.initial }
  }
}
