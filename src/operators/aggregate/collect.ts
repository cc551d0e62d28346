import { z } from 'zod'
import { expression } from '../../component/expression.ts'
import type { Aggregation } from './aggregation.ts'

const options = z.strictObject({
  of: expression().describe('The value; nothing is left out.'),
  most: z.int().min(1).max(100_000).default(100).describe('How many values are kept.'),
  keep: z.enum(['first', 'last']).default('first').describe('Which values are kept when there are more.'),
})

export const collect = () =>
  z
    .union([options, expression().transform((of) => ({ of, most: 100, keep: 'first' as const }))])
    .transform(({ of, most, keep }): Aggregation<unknown, readonly unknown[]> => {
      const bounded = (values: readonly unknown[]) =>
        values.length <= most ? values : keep === 'first' ? values.slice(0, most) : values.slice(-most)
      return {
        input: (record, now) => of.of(record, now),
        initial: [],
        add(values, value) {
          if (value === undefined || (keep === 'first' && values.length >= most)) return values
          return bounded([...values, value])
        },
        merge: (one, other) => bounded([...one, ...other]),
        result: (values) => values,
      }
    })
