import { fingerprintOfLetter } from '../deadletter/fingerprint.ts'
import type { Outcome, Rehearsed, RehearsedOutput } from './rehearse.ts'

/** What would become of the letters of a group. */
export interface RehearsedGroup {
  readonly topic: string
  readonly fingerprint: string
  readonly operator: string
  readonly code: string
  readonly message: string
  letters: number
  readonly counts: { [outcome in Outcome['is']]: number }
  /** The first letter of each outcome, with what came of it. */
  readonly examples: {
    readonly letter: string
    readonly outcome: Outcome
    readonly outputs: readonly RehearsedOutput[]
  }[]
}

/** Adds up a rehearsal by groups. */
export class RehearsalReport {
  readonly #groups = new Map<string, RehearsedGroup>()

  get groups(): readonly RehearsedGroup[] {
    return [...this.#groups.values()].toSorted((one, other) => other.letters - one.letters)
  }

  /** How many letters had an outcome. */
  count(outcome: Outcome['is']): number {
    return this.groups.reduce((sum, { counts }) => sum + counts[outcome], 0)
  }

  add({ letter, outcome, outputs }: Rehearsed): void {
    const fingerprint = fingerprintOfLetter(letter)
    const { topic, operator, fault } = letter
    const name = `${topic}/${fingerprint}`
    const group = this.#groups.get(name) ?? {
      ...{ topic, fingerprint, operator, code: fault.code, message: fault.message, letters: 0 },
      counts: { passes: 0, 'same fault': 0, 'new fault': 0, refused: 0, held: 0 },
      examples: [],
    }
    this.#groups.set(name, group)
    group.letters++
    if (group.counts[outcome.is]++ === 0) group.examples.push({ letter: letter.id, outcome, outputs })
  }
}
