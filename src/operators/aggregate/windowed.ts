import type { Waiting } from '../../component/operator.ts'
import type { StateStore } from '../../component/state.ts'
import { Fault } from '../../record/fault.ts'
import { FixedWindows } from './fixedWindows.ts'
import { GroupedWindows } from './groupedWindows.ts'
import { sessions } from './session.ts'
import { sliding } from './sliding.ts'
import type { WindowKind } from './window.ts'
import type { Accumulation, Arrival, Emit, GroupWindow, WindowStore } from './windows.ts'

/** Every window that the record belongs to is closed. */
export class LateRecordFault extends Fault {
  readonly code = 'record.late'
  readonly disposition = 'deadLetter'

  constructor(time: number | string, streamTime: number | string) {
    super(
      `The record is late: the windows of its time, ${textOf(time)}, are closed, for a record of the task was of ` +
        `${textOf(streamTime)}. A longer "grace" would have waited.`,
    )
  }
}

/** There are as many windows as may be. */
export class WindowsFullFault extends Fault {
  readonly code = 'windows.full'
  readonly disposition = 'halt'

  constructor(most: number) {
    super(
      `More than ${most} windows would be open. Raise "buffer.windows", or have records beyond them dead-lettered with ` +
        '"buffer.full: deadLetter".',
    )
  }
}

/** There was no room for the record's window. */
export class EvictedRecordFault extends Fault {
  readonly code = 'record.evicted'
  readonly disposition = 'deadLetter'

  constructor(most: number) {
    super(`The record would open a window, and ${most} are open, as many as "buffer.windows" allows.`)
  }
}

export interface Buffer {
  readonly windows: number
  readonly full: 'halt' | 'deadLetter'
}

export interface WindowedOptions {
  readonly window: WindowKind
  readonly grace: number
  readonly emit: Emit
  readonly buffer?: Buffer | undefined
}

/** What a record did. */
export interface Advance {
  /** The windows that it changed; undefined where it is late. */
  readonly changed: readonly GroupWindow[] | undefined
  /** The windows that closed, in order; only where results are wanted on close. */
  readonly closed: readonly GroupWindow[]
}

/** Stream time, and how many windows the state has. */
type Progress = readonly [streamTime: number, windows: number]

const progressKey = 'p'

export const openWindows: Waiting = {
  what: 'open windows',
  keys: progressKey,
  count: (progress) => (progress as Progress)[1],
}

/** Takes records into windows, and closes windows as stream time goes on: the highest time of a task's records. */
export class Windowed {
  readonly #windows: WindowStore
  readonly #state: StateStore
  readonly #buffer: Buffer | undefined

  constructor(options: WindowedOptions, accumulation: Accumulation, state: StateStore) {
    this.#windows = storeOf(options, accumulation, state)
    this.#state = state
    this.#buffer = options.buffer
  }

  /** Stream time, milliseconds since 1970; -Infinity before the first record. */
  get streamTime(): number {
    return this.#progress[0]
  }

  get #progress(): Progress {
    return (this.#state.get(progressKey) as Progress | undefined) ?? [-Infinity, 0]
  }

  /** @throws WindowsFullFault, EvictedRecordFault, and faults of the record */
  take(arrival: Arrival): Advance {
    const [before, known] = this.#progress
    const streamTime = Math.max(before, arrival.time)
    const { closed, removed } =
      streamTime > before ? this.#windows.close(before, streamTime) : { closed: [], removed: 0 }
    const { changed, opened } = this.#windows.take(arrival, streamTime)
    const windows = known - removed + opened
    if (opened > 0) this.#checkRoom(windows)
    if (streamTime !== before || windows !== known)
      this.#state.set(progressKey, [streamTime, windows] satisfies Progress)
    return { changed, closed }
  }

  /** The stream time at which the next window closes; undefined where none is open. */
  get closesAt(): number | undefined {
    return this.#windows.closesAt
  }

  /** Stream time goes on without a record. @returns the windows that closed, in order; only where results are wanted on close */
  advance(streamTime: number): readonly GroupWindow[] {
    const [before, known] = this.#progress
    if (streamTime <= before) return []
    const { closed, removed } = this.#windows.close(before, streamTime)
    this.#state.set(progressKey, [streamTime, known - removed] satisfies Progress)
    return closed
  }

  /** To be called when what the latest record changed in the state is taken back. */
  forget(): void {
    this.#windows.forget()
  }

  #checkRoom(windows: number): void {
    if (this.#buffer === undefined || windows <= this.#buffer.windows) return
    throw this.#buffer.full === 'halt'
      ? new WindowsFullFault(this.#buffer.windows)
      : new EvictedRecordFault(this.#buffer.windows)
  }
}

function storeOf({ window, grace, emit }: WindowedOptions, accumulation: Accumulation, state: StateStore): WindowStore {
  if (window.kind === 'fixed') return new FixedWindows({ ...window, grace, emit }, accumulation, state)
  const kind = window.kind === 'sliding' ? sliding(window.size) : sessions(window.gap)
  return new GroupedWindows({ kind, grace, emit }, accumulation, state)
}

const textOf = (time: number | string): string =>
  typeof time === 'number' && Number.isFinite(time) ? new Date(time).toISOString() : String(time)
