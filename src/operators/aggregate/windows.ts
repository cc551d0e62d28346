import type { Accumulated, Inputs } from './into.ts'

/** A record on its way into windows. */
export interface Arrival {
  readonly group: string
  /** When its event happened, milliseconds since 1970. */
  readonly time: number
  readonly inputs: Inputs
}

/** A span of time of one group, with what was accumulated in it. */
export interface Window {
  readonly start: number
  readonly end: number
  /** The highest time of its records. */
  readonly latest: number
  readonly accumulated: Accumulated
}

export interface GroupWindow extends Window {
  readonly group: string
}

/** How values are accumulated, as far as windows have to know. */
export interface Accumulation {
  readonly initial: Accumulated
  readonly add: (accumulated: Accumulated, inputs: Inputs) => Accumulated
  readonly merge: (one: Accumulated, other: Accumulated) => Accumulated
}

/** What became of a record. */
export interface Taken {
  /** The windows that changed with it, as they are now. Undefined where none that it belongs to is open: it is late. */
  readonly changed: readonly GroupWindow[] | undefined
  /** How many windows more there are in the state. */
  readonly opened: number
}

/** What came of the advance of stream time. */
export interface Closed {
  /** In the order of their ends, then of keys. Each window once; only where results are wanted on close. */
  readonly closed: readonly GroupWindow[]
  /** How many windows fewer there are in the state. */
  readonly removed: number
}

/** The windows of one kind in a task's state. */
export interface WindowStore {
  /** Windows are closed whose end is this far or farther behind stream time. */
  readonly patience: number
  /** @param streamTime the highest time of all records so far, this one's included */
  take(arrival: Arrival, streamTime: number): Taken
  /** The stream time at which the next window closes; undefined where none is open. */
  readonly closesAt: number | undefined
  /** Closes what stream time has passed. @param before stream time before, -Infinity at first */
  close(before: number, streamTime: number): Closed
  /** Forgets what it knows beside the state, whose latest changes may have been taken back. */
  forget(): void
}

/** How results leave: on every change, so that what is closed is only forgotten; or when a window closes. */
export type Emit = 'update' | 'close'

/** How many closed windows are forgotten with one record, so that no record waits for all of them. */
export const forgottenAtOnce = 10_000

export const accumulate = (window: Window, { time, inputs }: Arrival, { add }: Pick<Accumulation, 'add'>): Window => ({
  start: window.start,
  end: window.end,
  latest: Math.max(window.latest, time),
  accumulated: add(window.accumulated, inputs),
})
