import type { Statement } from '../../broker/embedded/database.ts'
import { dispositions } from './entry.ts'

const hourLength = 3_600_000
const firstClosed = dispositions.indexOf('resolved')
const expired = dispositions.length

interface Change {
  /** By disposition; those that expired while they were open come last. */
  readonly counts: [number, number, number, number, number]
  /** Letters by the hour of their failure. */
  readonly hours: Map<number, number>
  failures: number
  first: number
  last: number
  closed: number
  message: string | null
}

/** What a passage changes in the counts of groups, added up so that each group is written once. */
export class GroupChanges {
  readonly #changes = new Map<number, Change>()

  /** A letter has failed, or has failed again. */
  fail(
    group: number,
    disposition: number,
    { failedAt, message }: { readonly failedAt: number; readonly message: string },
  ): void {
    const change = this.#of(group)
    change.counts[disposition]!++
    change.failures++
    change.first = Math.min(change.first, failedAt)
    if (failedAt >= change.last) change.message = message
    change.last = Math.max(change.last, failedAt)
    const hour = Math.floor(failedAt / hourLength)
    change.hours.set(hour, (change.hours.get(hour) ?? 0) + 1)
  }

  enter(group: number, disposition: number): void {
    this.#of(group).counts[disposition]!++
  }

  leave(group: number, disposition: number): void {
    this.#of(group).counts[disposition]!--
  }

  /** Letters are not on their topic any more. */
  expire(group: number, disposition: number, letters: number): void {
    const { counts } = this.#of(group)
    counts[disposition]! -= letters
    if (disposition < firstClosed) counts[expired] += letters
  }

  /** A letter of the group was resolved or discarded. */
  close(group: number, at: number): void {
    const change = this.#of(group)
    change.closed = Math.max(change.closed, at)
  }

  /** Nothing of it is left to be written then. */
  write({ count, hour }: { readonly count: Statement<never>; readonly hour: Statement<never> }): void {
    for (const [group, { counts, hours, failures, first, last, closed, message }] of this.#changes) {
      count.run(...counts, failures, first, last, closed, message, group)
      for (const [at, letters] of hours) hour.run(group, at, letters)
    }
    this.#changes.clear()
  }

  #of(group: number): Change {
    let change = this.#changes.get(group)
    if (!change) {
      change = {
        counts: [0, 0, 0, 0, 0],
        hours: new Map(),
        failures: 0,
        first: Number.MAX_SAFE_INTEGER,
        last: 0,
        closed: 0,
        message: null,
      }
      this.#changes.set(group, change)
    }
    return change
  }
}
