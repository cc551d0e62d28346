import { ExpressionFault, type RecordExpression } from '../component/expression.ts'
import type { Format } from '../component/source.ts'
import { decodeValue } from '../component/value.ts'
import type { Letter } from '../deadletter/readLetter.ts'

/** What the record's value becomes before it goes back; the letter keeps what it has. */
export type Fix =
  /** The result of an expression in which `record` is the value that goes back. */
  | { readonly expression: RecordExpression }
  /** Another value. */
  | { readonly value: unknown }
  /** Other bytes, which go in at the source. */
  | { readonly bytes: Buffer | null }

/** A value as somebody wants it, or why there is none. */
export type Fixed = { readonly value: unknown } | { readonly refusal: string }

/**
 * @param given the value as it would go back, as bytes @param format how they are to be read
 * @param now milliseconds since the epoch
 */
export function fixed(
  letter: Letter,
  given: { readonly value: Buffer | null; readonly key: Buffer | null; readonly timestamp: number },
  format: Format,
  fix: Exclude<Fix, { readonly bytes: unknown }>,
  now: number,
): Fixed {
  if ('value' in fix) return fix
  const read = decodeValue(given.value, format)
  if ('fault' in read) return { refusal: `${read.fault.message} No expression can mend that; \`oxbow dlq edit\` can` }
  const { source, origin, index, record } = letter
  try {
    const { key, timestamp } = given
    const own = { key, timestamp, value: read.value, headers: record.headers, origin: { source, ...origin }, index }
    return { value: fix.expression.of(own, now) }
  } catch (thrown) {
    if (!(thrown instanceof ExpressionFault)) throw thrown
    return { refusal: `the fix does not fit it: ${thrown.message}` }
  }
}
