import type { StateChange, StateReader } from '../broker/broker.ts'
import type { Tally } from './lineage.ts'

const store = '$paused'

/** Which sources a task has paused: kept with its state, so that every pause is counted once, whatever comes in between. */
export class Pauses {
  readonly #tally: Tally
  readonly #paused: Set<string>
  #changes: StateChange[] = []

  constructor(state: StateReader, tally: Tally) {
    this.#tally = tally
    this.#paused = new Set(Array.from(state.entries(store), ([source]) => source))
  }

  /** @returns whether that is news */
  set(source: string, paused: boolean): boolean {
    if (this.#paused.has(source) === paused) return false
    if (paused) this.#paused.add(source)
    else this.#paused.delete(source)
    this.#tally.aside(source, 'paused', paused)
    this.#changes.push({ store, key: source, value: paused ? Buffer.from('1') : null })
    return true
  }

  /** What changed since the last take. */
  take(): readonly StateChange[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }
}
