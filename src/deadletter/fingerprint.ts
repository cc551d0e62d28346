import { hash } from 'node:crypto'
import { readTrace } from './fingerprint/frames.ts'
import { digitsAlike, shapeOf } from './fingerprint/shape.ts'

/** What a fingerprint is made of. */
export interface FailureTraits {
  readonly operator: string
  /** The fault's code; the class of the exception where others wrote the letter. */
  readonly code: string
  readonly message: string
  /** Class and message, and the stacks of what caused it; may be empty. */
  readonly stack: string
  /** What the fault itself says that it belongs to: nothing else counts then. */
  readonly explicit?: string | undefined
}

const version = '2-'

/** The fingerprints of the last failures: those of a flood are alike but for their numbers. */
const known = new Map<string, string>()
const mostKnown = 1_024

/**
 * Tells letters that failed for the same reason from others. In this order counts: what the fault itself says; its code, its
 * operator and the frames of the user's own code, with what was thrown there; its code, its operator and its message without values.
 * @returns such as "2-13ef5a9203026cf6", where 2 is the version of these rules
 */
export function fingerprint({ operator, code, message, stack, explicit }: FailureTraits): string {
  if (explicit) return hashed(['explicit', explicit])
  const { said, frames } = reasonOf(message, stack)
  const alike = said.map(digitsAlike)
  const text = [operator, code, ...alike, ...frames].join('\n')
  const before = known.get(text)
  if (before !== undefined) return before
  const made = hashed([operator, code, ...alike.map(shapeOf), ...frames])
  if (known.size >= mostKnown) known.clear()
  known.set(text, made)
  return made
}

interface Reason {
  readonly said: readonly string[]
  readonly frames: readonly string[]
}

/** With a place in the user's own code, what was thrown there; else the message, and what is behind it. */
function reasonOf(message: string, stack: string): Reason {
  if (!stack.includes('\n')) return { said: [message], frames: [] }
  const { head, frames, isCause } = readTrace(stack)
  if (frames.length > 0) return { said: [head], frames }
  return { said: isCause ? [message, head] : [message], frames }
}

const hashed = (parts: readonly string[]): string =>
  version + hash('sha256', JSON.stringify([version, ...parts])).slice(0, 16)

/** What a letter says of it. */
interface WrittenFailure {
  readonly fingerprint: string
  readonly operator: string
  readonly fault: Pick<FailureTraits, 'code' | 'message' | 'stack'>
}

/**
 * The fingerprint by the rules of today. It is the letter's own where that is of this version, and is made anew of what the
 * letter says where it is of an earlier one or where others wrote it: from a message or a stack that was cut short, it may
 * be another one than the failure itself would have had.
 */
export const fingerprintOfLetter = ({ fingerprint: own, operator, fault }: WrittenFailure): string =>
  own.startsWith(version) ? own : fingerprint({ operator, ...fault })
