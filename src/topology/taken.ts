import type { StateStore } from '../component/state.ts'
import { isSameFailure, type FailureTime } from '../deadletter/ledger/entry.ts'

export type Outcome = 'resolved' | 'discarded'

/** A failure of a letter, as it was made open for the n-th time: it is taken up once. */
export interface Standing extends FailureTime {
  readonly reopened: number
}

/** How far a letter has come in its task: as what it was taken up last. */
export interface Taken extends Standing {
  /** When, in milliseconds since the epoch. */
  readonly at: number
  /** What became of it, other than a letter again. */
  readonly outcome?: Outcome
}

/** Whether a letter was taken up as what comes now, or later; a failure is new by its hops, and after a reset by its time. */
export const wasTaken = (taken: Taken, now: Standing): boolean =>
  isSameFailure(taken, now) ? now.reopened <= taken.reopened : now.hops <= taken.hops && now.failedAt <= taken.failedAt

/** Whether the record went on when the same failure was taken up before: it does not count as dead by it any more. */
export const wentOn = (taken: Taken, now: FailureTime): boolean =>
  isSameFailure(taken, now) && taken.outcome !== 'discarded'

const timeKey = (at: number, letter = ''): string => `at:${String(at).padStart(15, '0')}:${letter}`
const letterKey = (letter: string): string => `of:${letter}`

const sweptAtOnce = 1_000

/**
 * The letters that a task has taken up, so that one that comes twice by its lane (a sender that crashed cannot tell) is
 * not processed twice. They are forgotten when no record of the lane is as old any more.
 */
export class TakenLetters {
  readonly #store: StateStore
  readonly #retention: number
  #nextSweep = -Infinity

  /** @param retention milliseconds that the lanes keep their records */
  constructor(store: StateStore, retention: number) {
    this.#store = store
    this.#retention = retention
  }

  of(letter: string): Taken | undefined {
    return this.#store.get(letterKey(letter)) as Taken | undefined
  }

  take(letter: string, { hops, failedAt, reopened }: Standing, now: number): void {
    this.#forget(now)
    const before = this.of(letter)
    if (before) this.#store.delete(timeKey(before.at, letter))
    this.#store.set(letterKey(letter), { hops, failedAt, reopened, at: now } satisfies Taken)
    this.#store.set(timeKey(now, letter), true)
  }

  end(letter: string, failure: FailureTime, outcome: Outcome): void {
    const taken = this.of(letter)
    if (taken && isSameFailure(taken, failure))
      this.#store.set(letterKey(letter), { ...taken, outcome } satisfies Taken)
  }

  /** The oldest first; now and then, so that the state holds little more than it needs. */
  #forget(now: number): void {
    if (now < this.#nextSweep || this.#retention === Infinity) return
    let swept = 0
    for (const key of this.#store.keys('at:', timeKey(Math.max(0, now - this.#retention)))) {
      this.#store.delete(key)
      this.#store.delete(letterKey(key.slice(timeKey(0).length)))
      if (++swept === sweptAtOnce) return
    }
    this.#nextSweep = now + this.#retention / 16
  }
}
