import { emitEach, NotAListFault } from '../component/elements.ts'
import { expression, ExpressionFault } from '../component/expression.ts'
import { defineOperator } from '../component/operator.ts'

export const flatMap = defineOperator({
  name: 'flatMap',
  summary: 'Makes a list of new values out of a record, and each of them a record.',

  config: expression()
    .describe('An expression that gives a list. An empty list drops the record.')
    .meta({ examples: ['record.prices.map(p, {id: record.id, price: p})'] }),

  faults: [ExpressionFault, NotAListFault],

  examples: [
    {
      title: 'A record for each price, with the id of the market',
      config: 'record.prices.map(p, {id: record.id, price: p})',
      given: [{ id: 'm1', prices: [0.4, 0.6] }, { id: 'm2', prices: [] }, { id: 'm3' }],
      expect: [
        [
          { id: 'm1', price: 0.4 },
          { id: 'm1', price: 0.6 },
        ],
        'drop empty list',
        'fail expression.failed',
      ],
    },
  ],

  build(list, { scheduler }) {
    return (record) => emitEach(record, `"${list.text}"`, list.of(record, scheduler.now()), (element) => element)
  },
})
