import { z } from 'zod'
import { expression, type RecordExpression } from '../../component/expression.ts'
import { identityOf } from '../../component/identity.ts'
import { Fault } from '../../record/fault.ts'
import type { Record } from '../../record/record.ts'
import type { Aggregation } from './aggregation.ts'
import { estimate, merged, withIdentity, type Sketch } from './hyperLogLog.ts'

/** More distinct values than are counted exactly. */
export class TooManyDistinctFault extends Fault {
  readonly code = 'distinct.too_many'
  readonly disposition = 'deadLetter'

  constructor(most: number) {
    super(`It would be more than ${most} distinct values; "approximate: true" counts any number of them.`)
  }
}

const options = z.strictObject({
  of: expression().describe('The value; null and nothing are not counted.'),
  approximate: z
    .boolean()
    .default(false)
    .describe('Estimates with HyperLogLog: within 1.6 % (standard error), in at most 4 KiB a window.'),
  most: z
    .int()
    .min(1)
    .max(100_000)
    .default(10_000)
    .describe('How many are counted exactly; a record with a value beyond them is a fault.'),
})

export const distinct = () =>
  z
    .union([options, expression().transform((of) => ({ of, approximate: false, most: 10_000 }))])
    .transform(({ of, approximate, most }): Aggregation => (approximate ? estimated(of) : exact(of, most)))

const exact = (of: RecordExpression, most: number): Aggregation<string | undefined, ReadonlySet<string>> => {
  const bounded = (set: ReadonlySet<string>) => {
    if (set.size > most) throw new TooManyDistinctFault(most)
    return set
  }
  return {
    input: (record, now) => identity(of, record, now),
    initial: new Set(),
    add: (set, value) => (value === undefined || set.has(value) ? set : bounded(new Set(set).add(value))),
    merge: (one, other) => bounded(new Set([...one, ...other])),
    result: (set) => set.size,
  }
}

const estimated = (of: RecordExpression): Aggregation<string | undefined, Sketch> => ({
  input: (record, now) => identity(of, record, now),
  initial: [],
  add: (sketch, value) => (value === undefined ? sketch : withIdentity(sketch, value)),
  merge: merged,
  result: estimate,
})

function identity(of: RecordExpression, record: Record, now: number): string | undefined {
  const value = of.of(record, now)
  return value === undefined || value === null ? undefined : identityOf(value)
}
