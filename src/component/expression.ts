import { z } from 'zod'
import type { Record } from '../record/record.ts'

/** An expression over records, compiled once. */
export interface RecordExpression {
  readonly text: string
  /** @throws ExpressionFault naming the expression and what the record's value was of */
  of(record: Record, now: number): unknown
}

/** A config field that holds a CEL expression over a record; parsed to its compiled form. */
export const expression = (): z.ZodType<RecordExpression, string> => {
  throw new Error('not yet')
}
