import { ExpressionFault, predicate } from '../component/expression.ts'
import { defineOperator } from '../component/operator.ts'
import { drop, emit } from '../record/outcome.ts'

export const filter = defineOperator({
  name: 'filter',
  summary: 'Keeps the records that a condition holds for, and drops the others.',

  config: predicate()
    .describe('The condition. A result that is not true or false is a fault.')
    .meta({ examples: ["record.language == 'en'"] }),

  faults: [ExpressionFault],

  examples: [
    {
      title: 'Keeping one language',
      config: "record.language == 'en'",
      given: [{ language: 'en' }, { language: 'de' }, {}],
      expect: [[{ language: 'en' }], 'drop filtered', 'fail expression.failed'],
    },
    {
      title: 'A field that may be missing',
      config: 'record.?price.orValue(0) < 1',
      given: [{ price: 0.4 }, { price: 2 }, {}],
      expect: [[{ price: 0.4 }], 'drop filtered', [{}]],
    },
  ],

  build(condition, { scheduler }) {
    return (record) => (condition.holds(record, scheduler.now()) ? emit(record) : drop(record, 'filtered'))
  },
})
