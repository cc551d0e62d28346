import { compareKeys, type StateStore } from '../../component/state.ts'
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
  type Window,
  type WindowStore,
} from './windows.ts'

/** How the windows of a group follow from its records. Both their ends belong to them. */
export interface GroupKind {
  /** How long after its end a window takes records, besides the grace. */
  readonly idle: number
  /** How long closed windows are needed for what others are made of them. */
  readonly needed: number
  /**
   * Takes a record into the windows of its group, which are in order of their starts.
   * @param closedBefore windows that end before this are closed
   * @returns all windows after it, in order, and those that it changed; undefined where none that it belongs to is open
   */
  take(
    windows: readonly Window[],
    arrival: Arrival,
    closedBefore: number,
    accumulation: Accumulation,
  ): { readonly windows: readonly Window[]; readonly changed: readonly Window[] } | undefined
}

export interface GroupedOptions {
  readonly kind: GroupKind
  readonly grace: number
  readonly emit: Emit
}

type KeptWindow = readonly [start: number, end: number, latest: number, accumulated: Accumulated]
/** What the state has of a group, and the time by which it is listed for closing, or an earlier one than it needs. */
type Kept = readonly [due: number, windows: readonly KeptWindow[]]

const listed = 'd'
const behindListed = 'e'

/**
 * Sliding and session windows. An entry of the state for all windows of a group, and one that lists it for when its next
 * window closes.
 */
export class GroupedWindows implements WindowStore {
  readonly #options: GroupedOptions
  readonly #accumulation: Accumulation
  readonly #state: StateStore
  /** The earliest time that a group is listed for; undefined when it has to be looked up. */
  #due: number | undefined
  readonly patience: number

  constructor(options: GroupedOptions, accumulation: Accumulation, state: StateStore) {
    this.#options = options
    this.#accumulation = accumulation
    this.#state = state
    this.patience = options.grace + options.kind.idle
  }

  take(arrival: Arrival, streamTime: number): Taken {
    const { kind } = this.#options
    const { group } = arrival
    const closedBefore = streamTime - this.patience
    const kept = this.#state.get(entryOf(group)) as Kept | undefined
    const before = kept?.[1] ?? []
    const needed = before.map(asWindow).filter(({ end }) => end >= closedBefore - kind.needed)
    const taken = kind.take(needed, arrival, closedBefore, this.#accumulation)
    if (taken === undefined) return { changed: undefined, opened: 0 }

    this.#keep(group, kept?.[0], taken.windows, closedBefore)
    return {
      changed: taken.changed.map((window) => ({ ...window, group })),
      opened: taken.windows.length - before.length,
    }
  }

  /** Both ends of a window belong to it: it closes just after. */
  get closesAt(): number | undefined {
    this.#due ??= this.#earliest()
    return this.#due === Infinity ? undefined : this.#due + this.patience + 1
  }

  close(before: number, streamTime: number): Closed {
    const closedBefore = streamTime - this.patience
    this.#due ??= this.#earliest()
    if (closedBefore <= this.#due) return { closed: [], removed: 0 }

    const closed: GroupWindow[] = []
    let removed = 0
    for (const [due, group] of this.#passed(closedBefore)) {
      this.#state.delete(listing(due, group))
      const windows = (this.#state.get(entryOf(group)) as Kept)[1].map(asWindow)
      const needed = windows.filter(({ end }) => end >= closedBefore - this.#options.kind.needed)
      for (const window of windows) {
        if (window.end >= before - this.patience && window.end < closedBefore) closed.push({ ...window, group })
      }
      removed += windows.length - needed.length
      if (needed.length > 0) this.#keep(group, undefined, needed, closedBefore)
      else this.#state.delete(entryOf(group))
    }
    return { closed: this.#options.emit === 'close' ? closed.sort(inOrder) : [], removed }
  }

  forget(): void {
    this.#due = undefined
  }

  /** Keeps a group's windows, listed for no later than when something is to be done. @param was when it is listed now */
  #keep(group: string, was: number | undefined, windows: readonly Window[], closedBefore: number): void {
    const due = Math.min(this.#dueOf(windows, closedBefore), was ?? Infinity)
    if (due !== was) {
      if (was !== undefined) this.#state.delete(listing(was, group))
      this.#state.set(listing(due, group), true)
      if (this.#due !== undefined) this.#due = Math.min(this.#due, due)
    }
    this.#state.set(entryOf(group), [due, windows.map(asKept)] satisfies Kept)
  }

  /** When its next window closes, or, where only updates are wanted or all are closed, none is needed any more. */
  #dueOf(windows: readonly Window[], closedBefore: number): number {
    const { emit, kind } = this.#options
    let next = Infinity
    let last = -Infinity
    for (const { end } of windows) {
      if (emit === 'close' && end >= closedBefore) next = Math.min(next, end)
      last = Math.max(last, end)
    }
    return next < Infinity ? next : last + kind.needed
  }

  /** The groups that were listed for before a time, each with that time. */
  #passed(closedBefore: number): readonly (readonly [due: number, group: string])[] {
    const passed: [number, string][] = []
    this.#due = Infinity
    for (const key of this.#state.keys(listed, behindListed)) {
      const due = timeOf(key)
      if (due >= closedBefore || (this.#options.emit === 'update' && passed.length === forgottenAtOnce)) {
        this.#due = due
        break
      }
      passed.push([due, key.slice(1 + timeTextLength)])
    }
    return passed
  }

  #earliest(): number {
    for (const key of this.#state.keys(listed, behindListed)) return timeOf(key)
    return Infinity
  }
}

const entryOf = (group: string): string => `g${group}`
const listing = (due: number, group: string): string => listed + timeText(due) + group
const timeOf = (key: string): number => Number(key.slice(1, 1 + timeTextLength))

const asWindow = ([start, end, latest, accumulated]: KeptWindow): Window => ({ start, end, latest, accumulated })
const asKept = ({ start, end, latest, accumulated }: Window): KeptWindow => [start, end, latest, accumulated]

const inOrder = (a: GroupWindow, b: GroupWindow): number => a.end - b.end || compareKeys(a.group, b.group)
