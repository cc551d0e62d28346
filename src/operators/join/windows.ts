import type { Json } from '../../component/context.ts'
import type { Waiting } from '../../component/operator.ts'
import type { StateStore } from '../../component/state.ts'
import { otherOf, type Side } from './combine.ts'
import { SideBuffer, type Kept } from './sideBuffer.ts'
import { Unmatched, type Place, type Unmet } from './unmatched.ts'

/** How far apart records may be that meet, in milliseconds of their times. */
export interface JoinWindow {
  /** How much earlier than the left record the right one may be. */
  readonly before: number
  /** How much later. */
  readonly after: number
  /** How much longer records are kept for others that come late. */
  readonly grace: number
  /** Whether records of a side that meet none leave alone. */
  readonly alone: { readonly [side in Side]: boolean }
  /** Whether records of a side that meet none, and may not leave alone, are told of. */
  readonly missed: { readonly [side in Side]: boolean }
}

export interface Arrival extends Place {
  readonly value: unknown
  /** What is kept of it while it has met none. */
  readonly waiting: unknown
}

/** What became of a record. */
export interface Meeting {
  /** Records that met none, whose windows closed with this one's time: in order of their times. */
  readonly closed: readonly Unmet[]
  /** Those of the other side that it met, in order of their times, then as they came. */
  readonly met: readonly Kept[]
  /** What it does where it met none. Late: it came too late to be kept for others. */
  readonly unmet: 'kept' | 'leaves' | 'late' | undefined
}

/** The latest time of any record, and of those of either side that were kept; -1 before the first. */
type Progress = readonly [streamTime: number, left: number, right: number]

const progressKey = 'p'
const none: Progress = [-1, -1, -1]

const prefixes = { unmatched: 'u', missed: 'm' } as const

/** Records that have met none yet, and leave alone or end as missed when their windows close. */
export const waitingIn: readonly Waiting[] = Object.values(prefixes).map((keys) => ({
  what: 'records that met none yet',
  keys,
  count: (waiting) => (waiting as readonly Json[]).length,
}))

/**
 * Records of two sides that meet where they have one key and their times are near each other. Their state is bounded by
 * the window and its grace, in the time of the records of their side.
 */
export class JoinWindows {
  readonly #window: JoinWindow
  readonly #state: StateStore
  readonly #buffers: { readonly [side in Side]: SideBuffer }
  /** Those that leave alone. */
  readonly #unmatched: Unmatched
  readonly #missed: Unmatched

  constructor(window: JoinWindow, state: StateStore) {
    const { before, after, grace } = window
    const options = { span: Math.max(1, before + after), retention: before + after + grace }
    this.#window = window
    this.#state = state
    this.#buffers = { left: new SideBuffer('l', options, state), right: new SideBuffer('r', options, state) }
    const closesAfter = { left: after + grace, right: before + grace }
    this.#unmatched = new Unmatched({ prefix: prefixes.unmatched, sides: window.alone, closesAfter }, state)
    this.#missed = new Unmatched({ prefix: prefixes.missed, sides: window.missed, closesAfter }, state)
  }

  /** Whether windows of records that are to be told of may be closed. */
  get isMissing(): boolean {
    return this.#missed.isDue(this.#progress[0])
  }

  /** The stream time at which the next record that met none is done with; undefined where none waits. It may be later than that. */
  get closesAt(): number | undefined {
    const times = [this.#unmatched.closesAfter, this.#missed.closesAfter].filter((time) => time !== undefined)
    return times.length === 0 ? undefined : Math.min(...times) + 1
  }

  /** Stream time goes on without a record. @returns the records that leave alone */
  advance(streamTime: number): readonly Unmet[] {
    this.#advance(streamTime, undefined)
    return this.#unmatched.close(streamTime)
  }

  /** Takes out the records that are to be told of, whose windows are closed. */
  closeMissed(): readonly Unmet[] {
    return this.#missed.close(this.#progress[0])
  }

  /** To be called when what the latest record changed in the state is taken back. */
  forget(): void {
    this.#unmatched.forget()
    this.#missed.forget()
  }

  /** The latest time of the records of a side. */
  newest(side: Side): number {
    return newestOf(side, this.#progress)
  }

  /** Time goes on by a record that cannot meet others, but not for what is kept of its side. */
  pass(time: number): void {
    this.#advance(time, undefined)
  }

  /** Takes a record: what it meets, and what leaves alone as time goes on. It changes nothing where it is late. */
  take(side: Side, arrival: Arrival): Meeting {
    const { group, time } = arrival
    const progress = this.#advance(time, side)
    const [streamTime] = progress
    const closed = time === streamTime ? this.#unmatched.close(streamTime) : []
    const met = this.#meet(side, arrival, progress)
    if (met.length > 0) {
      this.#unmatched.remove(otherOf(side), group, met)
      this.#missed.remove(otherOf(side), group, met)
    }
    const isKept = this.#buffers[side].keep(arrival, newestOf(side, progress))
    return { closed, met, unmet: met.length > 0 ? undefined : this.#unmet(side, arrival, isKept, streamTime) }
  }

  #advance(time: number, side: Side | undefined): Progress {
    const before = this.#progress
    const [streamTime, left, right] = before
    const after: Progress = [
      Math.max(streamTime, time),
      side === 'left' ? Math.max(left, time) : left,
      side === 'right' ? Math.max(right, time) : right,
    ]
    if (after.some((value, at) => value > before[at]!)) this.#state.set(progressKey, after)
    return after
  }

  #meet(side: Side, { group, time }: Arrival, progress: Progress): readonly Kept[] {
    const { before, after } = this.#window
    const [earlier, later] = side === 'left' ? [before, after] : [after, before]
    const other = otherOf(side)
    return this.#buffers[other].find(group, time - earlier, time + later, newestOf(other, progress))
  }

  #unmet(side: Side, arrival: Arrival, isKept: boolean, streamTime: number): Meeting['unmet'] {
    if (this.#window.alone[side]) {
      if (this.#unmatched.isClosed(side, arrival.time, streamTime)) return 'leaves'
      this.#unmatched.add(side, arrival, arrival.waiting)
      return 'kept'
    }
    if (!isKept) return 'late'
    if (this.#window.missed[side]) this.#missed.add(side, arrival, arrival.waiting)
    return 'kept'
  }

  get #progress(): Progress {
    return (this.#state.get(progressKey) as Progress | undefined) ?? none
  }
}

const newestOf = (side: Side, progress: Progress): number => progress[side === 'left' ? 1 : 2]
