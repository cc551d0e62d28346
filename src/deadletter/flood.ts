/** When a source is halted rather than dead-lettered: this share of its last `of` records failed. */
export interface FloodLimit {
  readonly ratio: number
  readonly of: number
}

/**
 * Tells an outage from poison: judges a unit's outcomes before any of its dead letters is published.
 * The window holds the outcomes of committed records; after a halt a single unit decides whether the source recovered.
 */
export class FloodGuard {
  readonly #limit: FloodLimit
  #window: boolean[] = []
  #halted = false

  constructor(limit: FloodLimit) {
    this.#limit = limit
  }

  get halted(): boolean {
    return this.#halted
  }

  /**
   * @param outcomes of the unit's records in order, true for dead
   * @returns whether the unit may be committed; if not, the caller abandons it and pauses the source
   */
  admits(outcomes: readonly boolean[]): boolean {
    if (outcomes.length === 0) return true
    if (this.#halted) {
      this.#halted = share(outcomes) >= this.#limit.ratio
      if (!this.#halted) this.#window = []
      return !this.#halted
    }
    const { ratio, of } = this.#limit
    const window = [...this.#window, ...outcomes].slice(-of)
    this.#halted = window.length >= of && share(window) >= ratio
    if (!this.#halted) this.#window = window
    return !this.#halted
  }
}

const share = (outcomes: readonly boolean[]): number => outcomes.filter(Boolean).length / outcomes.length
