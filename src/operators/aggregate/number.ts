import { ReadingProblem, readNumber } from '../../component/reading.ts'
import type { RecordExpression } from '../../component/expression.ts'
import { Fault } from '../../record/fault.ts'
import { kindOf } from '../../record/kind.ts'
import type { Record } from '../../record/record.ts'
import { decimalOf, type Decimal } from './decimal.ts'

/** What is to be computed with is no number. */
export class NumberUnreadableFault extends Fault {
  readonly code = 'number.unreadable'
  readonly disposition = 'deadLetter'

  constructor(expression: string, problem: string) {
    super(`"${expression}" gives no number: ${problem}.`)
  }
}

/** A sum grew beyond what a number holds. */
export class NumberOverflowFault extends Fault {
  readonly code = 'number.overflow'
  readonly disposition = 'deadLetter'

  constructor() {
    super('With this record the sum is beyond what a number holds, about 1.8e308.')
  }
}

/**
 * What an expression gives of a record, as a finite number: text such as ".48" is read, minus zero is zero.
 * @returns undefined where it gives null or nothing
 * @throws NumberUnreadableFault
 */
export const numberOf = (expression: RecordExpression, record: Record, now: number): number | undefined =>
  given(expression, record, now, (_, number) => number + 0)

/** The same for a sum: text as the decimal that it writes. @throws NumberUnreadableFault */
export const summandOf = (expression: RecordExpression, record: Record, now: number): number | Decimal | undefined =>
  given(expression, record, now, decimalOf)

function given<T>(
  expression: RecordExpression,
  record: Record,
  now: number,
  ofText: (text: string, number: number) => T,
): number | T | undefined {
  const value = expression.of(record, now)
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  if (typeof value === 'string') return ofText(value, readText(expression.text, value))
  throw new NumberUnreadableFault(expression.text, `it is ${typeof value === 'number' ? value : kindOf(value)}`)
}

function readText(expression: string, text: string): number {
  try {
    return readNumber(text)
  } catch (thrown) {
    if (!(thrown instanceof ReadingProblem)) throw thrown
    throw new NumberUnreadableFault(expression, `as text, ${thrown.message}`)
  }
}
