import { timer, type SchedulerLike, type Subscription } from 'rxjs'
import type { Record } from '../record/record.ts'
import { longestTimer } from './pause.ts'
import type { RetryPolicy } from './plan.ts'
import type { Lineage } from './lineage.ts'

/** How far a record has come with its tries. */
export interface Retry {
  /** Tries so far. */
  readonly attempts: number
  /** Milliseconds since the epoch, as is `due`. */
  readonly firstFailedAt: number
  readonly due: number
}

/** How far a record has come, when it is not said when it is due. */
export type Tried = Omit<Retry, 'due'>

/** The records of a task that wait for their next try, or are on it. */
export class Retries {
  readonly #scheduler: SchedulerLike
  readonly #retries = new Map<Record, Retry>()
  readonly #timers = new Set<Subscription>()

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler
  }

  /** Counts one more failed try. `due` is when the policy says to try again, undefined when it says to give up. */
  fail(record: Record, policy: RetryPolicy, mayPass: boolean): { tried: Tried; due?: number } {
    const now = this.#scheduler.now()
    const before = policy.reenter === 'source' ? (record.origin as Lineage).tried : this.#retries.get(record)
    const tried = { attempts: (before?.attempts ?? 0) + 1, firstFailedAt: before?.firstFailedAt ?? now }
    if (!mayPass || tried.attempts > policy.attempts) return { tried }
    return { tried, due: now + (policy.backoff[Math.min(tried.attempts, policy.backoff.length) - 1] ?? 0) }
  }

  /** How far the record has come, a try that does not count left out; it is due at once. */
  standing(record: Record): Retry {
    const now = this.#scheduler.now()
    return { attempts: 0, firstFailedAt: now, ...this.#retries.get(record), due: now }
  }

  /** Calls `again` when the retry is due. */
  wait(record: Record, retry: Retry, again: () => void): void {
    this.#retries.set(record, retry)
    const left = Math.max(0, retry.due - this.#scheduler.now())
    const waiting = timer(Math.min(left, longestTimer), this.#scheduler).subscribe(() => {
      this.#timers.delete(waiting)
      if (left > longestTimer) this.wait(record, retry, again)
      else again()
    })
    this.#timers.add(waiting)
  }

  /** The record has its outcome. */
  forget(record: Record): void {
    this.#retries.delete(record)
  }

  /** Nothing will be tried again any more. */
  close(): void {
    for (const waiting of this.#timers) waiting.unsubscribe()
  }
}
