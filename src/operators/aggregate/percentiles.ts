import { z } from 'zod'
import { expression } from '../../component/expression.ts'
import type { Aggregation } from './aggregation.ts'
import { numberOf } from './number.ts'
import { joined, quantile, withNumber, emptySketch, type QuantileSketch } from './quantileSketch.ts'

const options = z.strictObject({
  of: expression().describe('The number; null and nothing are not counted.'),
  at: z
    .array(z.number().min(0).max(100))
    .min(1)
    .describe('Which percentiles, from 0 to 100: the field holds them as p50, p99, p99_9.')
    .meta({ examples: [[50, 99, 99.9]] }),
})

/** Percentiles within 1 % of the true value, out of a sketch of bounded size. */
export const percentiles = () =>
  options.transform(({ of, at }): Aggregation<number | undefined, QuantileSketch> => ({
    input: (record, now) => numberOf(of, record, now),
    initial: emptySketch,
    add: (sketch, number) => (number === undefined ? sketch : withNumber(sketch, number)),
    merge: joined,
    result: (sketch) =>
      Object.fromEntries(at.map((percent) => [nameOf(percent), quantile(sketch, percent / 100) ?? null])),
  }))

const nameOf = (percent: number): string => `p${String(percent).replace('.', '_')}`
