import { z } from 'zod'
import { expression, ExpressionFault } from '../component/expression.ts'
import { defineOperator } from '../component/operator.ts'
import { KeylessFault } from '../component/keyless.ts'
import { keyOfResult } from '../component/keyOfResult.ts'
import { emit } from '../record/outcome.ts'

export const keyBy = defineOperator({
  name: 'keyBy',
  summary: 'Gives each record a new key, and brings the records of one key together in one task.',

  config: z
    .union([
      expression(),
      z.strictObject({
        by: expression().describe('What the key is.'),
        partitions: z
          .int()
          .min(1)
          .max(10_000)
          .optional()
          .describe('Partitions of the internal topic. Default: as many as the widest source has.'),
      }),
    ])
    .transform((given) => ('by' in given ? given : { by: given }))
    .describe(
      'What the key is: text is taken as it is, anything else as JSON. Null or nothing is a fault. Where a later step works by key, ' +
        'such as `aggregate` or `join`, the records pass an internal topic, so that each key is in one partition.',
    )
    .meta({ examples: ['record.product', '[record.market, record.outcome]', { by: 'record.product', partitions: 8 }] }),

  faults: [ExpressionFault, KeylessFault],

  examples: [
    {
      title: 'By product',
      config: 'record.product',
      given: [{ product: 'oar', price: 3 }, { product: null }, {}],
      expect: [[{ product: 'oar', price: 3 }], 'fail record.no_key', 'fail expression.failed'],
    },
  ],

  repartitions: ({ partitions }) => (partitions === undefined ? {} : { partitions }),

  build({ by }, { scheduler }) {
    return (record) => {
      const found = by.of(record, scheduler.now())
      const key = keyOfResult(found)
      if (key === null)
        throw new KeylessFault(`"${by.text}" gives ${found === null ? 'null' : 'nothing'}, which is no key`)
      const { value, headers, timestamp, origin, index } = record
      return emit(record, { key, value, headers, timestamp, origin, index })
    }
  },
})
