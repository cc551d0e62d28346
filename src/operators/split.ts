import { emitEach, NotAListFault } from '../component/elements.ts'
import { expression, ExpressionFault } from '../component/expression.ts'
import { defineOperator } from '../component/operator.ts'

export const split = defineOperator({
  name: 'split',
  summary: 'Makes each element of a list a record of its own; `unnest` keeps the fields around the list.',

  config: expression()
    .describe('The list. An empty one drops the record.')
    .meta({ examples: ['record.items'] }),

  faults: [ExpressionFault, NotAListFault],

  examples: [
    {
      title: 'The items of an order',
      config: 'record.items',
      given: [
        { id: 1, items: [{ sku: 'a' }, { sku: 'b' }] },
        { id: 2, items: [] },
        { id: 3, items: 'none' },
      ],
      expect: [[{ sku: 'a' }, { sku: 'b' }], 'drop empty list', 'fail value.not_a_list'],
    },
    {
      title: 'A value that is a list itself',
      config: 'record',
      given: [[{ t: 1 }, { t: 2 }]],
      expect: [[{ t: 1 }, { t: 2 }]],
    },
  ],

  build(list, { scheduler }) {
    return (record) => emitEach(record, `"${list.text}"`, list.of(record, scheduler.now()), (element) => element)
  },
})
