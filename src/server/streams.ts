import type { Answer } from './answer.ts'
import { Problem } from './problem.ts'

/** So many may be followed at once. */
const most = 100

/** Counts the answers that come bit by bit: each looks again and again. */
export class Streams {
  #open = 0

  /** The answer, counted while somebody follows it. @throws Problem 503 where too many are followed */
  counted(answer: Answer): Answer {
    const { body } = answer
    if (typeof body === 'string') return answer
    if (this.#open >= most) throw new Problem(503, `${most} streams are followed already.`, { 'retry-after': '10' })
    return { ...answer, body: (signal) => this.#followed(body(signal)) }
  }

  async *#followed(parts: AsyncIterable<string>): AsyncGenerator<string> {
    this.#open++
    try {
      yield* parts
    } finally {
      this.#open--
    }
  }
}
