import type { Held } from './held.ts'
import type { KeyOrder } from './order.ts'
import type { UnderWay } from './underWay.ts'

/** How things stand with the source records of a task that were read and have no final outcome yet. */
export class Standing {
  readonly #underWay: UnderWay
  readonly #order: KeyOrder
  readonly #held: Held

  constructor(underWay: UnderWay, order: KeyOrder, held: Held) {
    this.#underWay = underWay
    this.#order = order
    this.#held = held
  }

  /** How many there are. */
  get inFlight(): number {
    return this.#underWay.size + this.#order.parked.values().reduce((sum, count) => sum + count, 0)
  }

  /** Those of them that wait behind dead letters: they do not go on by themselves. */
  get blocked(): number {
    return this.#order.blocked
  }

  /** Whether there are so many that no more are to come. */
  get full(): boolean {
    return this.#underWay.full || this.#order.full
  }

  /** Whether there are so many under way that no more are to come by a lane. */
  get crowded(): boolean {
    return this.#underWay.full
  }

  /** What is parked, in a sentence, where it is too much. */
  get parked(): string | undefined {
    if (!this.#order.full) return undefined
    const size = `${this.#order.size} records (${this.#order.bytes} bytes)`
    return `${size} are parked behind records that failed, or hold up their keys; redrive or discard the dead letters (\`oxbow dlq redrive\`, \`oxbow dlq discard\`), or raise deadLetters.parked.`
  }

  /** Whether too much is parked, some of it behind dead letters: not just a key with much to do. */
  get obstructed(): boolean {
    return this.#order.full && (this.#order.blocked > 0 || this.#underWay.size === 0)
  }

  /** Why no more is read and nothing will go on by itself, if so. */
  get stuck(): string | undefined {
    return this.#underWay.size === 0 ? this.parked : undefined
  }

  /** Where they are: records by the operator that has them, or the sink that they wait for, or their source where they are parked. */
  get places(): ReadonlyMap<string, number> {
    const parked = [...this.#order.parked].filter(([, count]) => count > 0)
    return new Map([...this.#held.places, ...parked.map(([name, count]) => [`${name}.parked`, count] as const)])
  }
}
