import type { SchedulerLike } from 'rxjs'

/** Stands in for the records that move stream time, where none come: once none came for so long, it is the clock's, less that. */
export class Idle {
  readonly #wait: number
  readonly #scheduler: SchedulerLike
  #lastRecord: number

  /**
   * The wait begins with this, also after a restart: what came meanwhile has not been read yet.
   * @param wait milliseconds
   */
  constructor(wait: number, scheduler: SchedulerLike) {
    this.#wait = wait
    this.#scheduler = scheduler
    this.#lastRecord = scheduler.now()
  }

  /** A record came. */
  wake(): void {
    this.#lastRecord = this.#scheduler.now()
  }

  /** When stream time will have come to this by the clock, if no record comes. */
  due(streamTime: number): number {
    return Math.max(this.#lastRecord, streamTime) + this.#wait
  }

  /** Stream time by the clock; undefined while records come. */
  streamTime(now: number): number | undefined {
    const time = now - this.#wait
    return time < this.#lastRecord ? undefined : time
  }
}
