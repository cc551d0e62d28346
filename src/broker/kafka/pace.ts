const firstShare = 500

/**
 * How many records a member is given at once. Synchronous operators hold up everything else in the process, heartbeats
 * too: a member whose records take too long together would lose its session over them, again and again.
 */
export class Pace {
  readonly #longest: number
  #share = firstShare

  /** @param session milliseconds without a heartbeat after which a member has left */
  constructor(session: number) {
    this.#longest = session / 6
  }

  /** So many may be given now. */
  get share(): number {
    return this.#share
  }

  /** To be called when records are given: sees how long they hold up the process. */
  gave(records: number): void {
    if (records === 0) return
    const start = performance.now()
    setImmediate(() => {
      const took = performance.now() - start
      if (took > this.#longest) this.#share = Math.max(1, Math.floor((records * this.#longest) / took))
      else if (took < this.#longest / 2 && records >= this.#share) this.#share *= 2
    })
  }
}
