import { z } from 'zod'
import { expressionOver, expressionWith } from '../../component/expression.ts'
import type { Record } from '../../record/record.ts'
import type { Aggregation } from './aggregation.ts'

const options = z.strictObject({
  from: z.unknown().describe('What it begins with: any value, also a list or a map.'),
  with: expressionWith('total')
    .describe('What comes of `total`, as accumulated so far, and a record.')
    .meta({ examples: ['total + record.x'] }),
  merge: expressionOver(['total', 'other'])
    .optional()
    .describe('What comes of two totals when their sessions become one: required with session windows.')
    .meta({ examples: ['total + other'] }),
})

export const reduce = () =>
  options.transform(({ from = null, with: step, merge }): Aggregation<readonly [Record, number], unknown> => ({
    input: (record, now) => [record, now],
    initial: from,
    add: (total, [record, now]) => step.of(record, now, total) ?? null,
    ...(merge && { merge: (total: unknown, other: unknown) => merge.of({ total, other }) ?? null }),
    result: (total) => total,
  }))
