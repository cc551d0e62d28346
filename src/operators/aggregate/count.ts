import { predicate } from '../../component/expression.ts'
import type { Aggregation } from './aggregation.ts'

type Count = Aggregation<boolean, number>

const counting: Omit<Count, 'input'> = {
  initial: 0,
  add: (count, counts) => (counts ? count + 1 : count),
  merge: (one, other) => one + other,
  result: (count) => count,
}

export const countAll: Count = { ...counting, input: () => true }

export const countWhere = () =>
  predicate().transform((condition): Count => ({ ...counting, input: (record, now) => condition.holds(record, now) }))
