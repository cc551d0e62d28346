import type { SchedulerLike } from 'rxjs'
import { keyOf } from '../../component/group.ts'
import type { Origin, Record } from '../../record/record.ts'
import type { Aggregation } from './aggregation.ts'
import type { Into, PlannedField } from './into.ts'
import type { Windowed } from './windowed.ts'
import { spanOf, type GroupWindow } from './windows.ts'

/** A field of what is accumulated, not of the results: the origin and index of the record that came last. */
export const originField = '.origin'

type Kept = readonly [
  source: string,
  topic: string,
  partition: number,
  offset: string,
  timestamp: number,
  index: string,
]

const lastOrigin: Aggregation<Kept, Kept | null> = {
  input: ({ origin: { source, topic, partition, offset, timestamp }, index }) => [
    source,
    topic,
    partition,
    String(offset),
    timestamp,
    index,
  ],
  initial: null,
  add: (_, input) => input,
  merge: (one, other) => other ?? one,
  result: (kept) => kept,
}
export const keepOrigin: PlannedField = { kind: 'origin', build: () => lastOrigin }

/**
 * Closes windows by the clock where no record comes to move stream time on: once none came for so long, stream time is the
 * clock's, less that.
 */
export class Idle {
  readonly #idle: number
  readonly #windows: Windowed
  readonly #into: Into
  readonly #scheduler: SchedulerLike
  #lastRecord: number

  /** @param idle milliseconds */
  constructor(idle: number, windows: Windowed, into: Into, scheduler: SchedulerLike) {
    this.#idle = idle
    this.#windows = windows
    this.#into = into
    this.#scheduler = scheduler
    this.#lastRecord = scheduler.now()
  }

  /** A record came. */
  wake(): void {
    this.#lastRecord = this.#scheduler.now()
  }

  /** When there may be windows to close without a record; undefined while none is open. */
  due(): number | undefined {
    const { closesAt } = this.#windows
    return closesAt === undefined ? undefined : Math.max(this.#lastRecord, closesAt) + this.#idle
  }

  tick(now: number): readonly Record[] {
    return this.#windows.advance(now - this.#idle).map((window) => this.#resultOf(window))
  }

  #resultOf({ group, start, end, latest, accumulated }: GroupWindow): Record {
    const last = this.#into.hidden(originField, accumulated) as Kept
    const value = { ...spanOf(start, end), ...this.#into.result(accumulated) }
    const index = `${last[5]}@${end}`
    return { key: keyOf(group), value, headers: [], timestamp: latest, origin: originOf(last), index }
  }
}

function originOf([source, topic, partition, offset, timestamp]: Kept): Origin {
  return { source, topic, partition, offset: BigInt(offset), timestamp }
}
