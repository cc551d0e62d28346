import type { Letter } from '../../deadletter/readLetter.ts'
import { counted, print, printable, printJson } from '../output.ts'

/** So many letters are named that stay where they are, for each reason. */
const named = 5

/** Letters that cannot be sent, by why. */
export class Refused {
  readonly #byReason = new Map<string, { count: number; readonly letters: string[] }>()

  add({ id }: Letter, why: string): void {
    const known = this.#byReason.get(why) ?? { count: 0, letters: [] }
    this.#byReason.set(why, known)
    known.count++
    if (known.letters.length < named) known.letters.push(id)
  }

  async print(json: boolean): Promise<void> {
    for (const [why, { count, letters }] of this.#byReason) {
      if (json) await printJson({ refused: count, why, letters })
      else {
        const more = count > letters.length ? ' …' : ''
        await print(
          `${counted(count, 'letter')} stay${count === 1 ? 's' : ''} dead: ${printable(why)} (${letters.join(', ')}${more})\n`,
        )
      }
    }
  }
}
