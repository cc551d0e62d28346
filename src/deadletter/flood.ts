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
    const { ratio, of } = this.#limit
    const seen = this.#halted ? outcomes : [...this.#window, ...outcomes]
    this.#halted = floods(seen, this.#halted ? Math.min(of, seen.length) : of, ratio)
    if (!this.#halted) this.#window = seen.slice(-of)
    return !this.#halted
  }
}

/** Whether so many outcomes anywhere in the list, one after another, have the ratio of dead. */
function floods(outcomes: readonly boolean[], of: number, ratio: number): boolean {
  let dead = 0
  return outcomes.some((isDead, at) => {
    if (isDead) dead++
    if (outcomes[at - of]) dead--
    return at + 1 >= of && dead / of >= ratio
  })
}
