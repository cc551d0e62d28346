import type { SchedulerLike } from 'rxjs'
import { sleep } from '../topology/pause.ts'

/** In slices of this many milliseconds a rate is kept. */
const slice = 100

/** Keeps a rate: what was not used for a while is not made up for. */
export class Pace {
  readonly #rate: number
  readonly #scheduler: SchedulerLike
  #next = -Infinity

  /** @param rate a second; no limit when undefined */
  constructor(rate: number | undefined, scheduler: SchedulerLike) {
    this.#rate = rate ?? Infinity
    this.#scheduler = scheduler
  }

  /** How many may go at once. */
  get most(): number {
    return Math.max(1, Math.floor((this.#rate * slice) / 1_000))
  }

  /** Resolves when so many may go, or the signal aborts. */
  async wait(count: number, signal: AbortSignal): Promise<void> {
    if (this.#rate === Infinity) return
    const now = this.#scheduler.now()
    const at = Math.max(now, this.#next)
    this.#next = at + (count / this.#rate) * 1_000
    if (at > now) await sleep(at - now, this.#scheduler, signal)
  }
}
