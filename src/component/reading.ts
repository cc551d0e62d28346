import { kindOf } from '../record/kind.ts'

/** Why something cannot be read, in words that do not show it. */
export class ReadingProblem extends Error {
  override readonly name = 'ReadingProblem'
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/** @returns text as it is, bytes decoded as UTF-8 @throws ReadingProblem */
export function readText(value: unknown): string {
  if (typeof value === 'string') return value
  if (!(value instanceof Uint8Array)) throw new ReadingProblem(`it is of type ${kindOf(value)}; expected text or bytes`)
  try {
    return strictUtf8.decode(value)
  } catch (cause) {
    throw new ReadingProblem('its bytes are not UTF-8', { cause })
  }
}

/** @throws ReadingProblem */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // The engine's own message goes on with an excerpt of the text.
    throw new ReadingProblem(`it is not JSON (${(cause as Error).message.replace(/, (\.{3})?".*$/s, '')})`)
  }
}

/** Reads a decimal number such as "0.48", ".48" or "-1e3". @throws ReadingProblem */
export function readNumber(text: string): number {
  const trimmed = text.trim()
  if (!decimal.test(trimmed)) throw new ReadingProblem('it is not a decimal number such as "0.48" or "-1e3"')
  const number = Number(trimmed)
  if (!Number.isFinite(number)) throw new ReadingProblem('it is beyond what a number holds')
  if (/^[+-]?\d+$/.test(trimmed) && !Number.isSafeInteger(number)) {
    throw new ReadingProblem('it has more digits than a number keeps; leave it as text')
  }
  return number
}
