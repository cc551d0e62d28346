import { ExpressionFault, shape, type FieldExpressions, type RecordExpression } from '../component/expression.ts'
import { defineOperator } from '../component/operator.ts'
import { emit } from '../record/outcome.ts'
import { withValue, type Record } from '../record/record.ts'

export const map = defineOperator({
  name: 'map',
  summary: 'Puts a new value in place of the old one.',

  config: shape()
    .describe(
      'The fields of the new object, each with an expression; or one expression for the whole value. ' +
        'A field whose expression is an absent optional, such as `record.?title`, is left out.',
    )
    .meta({ examples: [{ title: 'record.title', at: 'record.published_at' }, 'record.payload'] }),

  faults: [ExpressionFault],

  examples: [
    {
      title: 'A new object',
      config: { title: 'record.title', cents: 'record.price * 100', kind: "'article'" },
      given: [{ title: 'Rain', price: 0.25, other: true }, { title: 'No price' }],
      expect: [[{ title: 'Rain', cents: 25, kind: 'article' }], 'fail expression.failed'],
    },
    {
      title: 'Leaving out what is absent',
      config: { id: 'record.id', title: 'record.?title' },
      given: [{ id: 1, title: 'Rain' }, { id: 2 }],
      expect: [[{ id: 1, title: 'Rain' }], [{ id: 2 }]],
    },
    {
      title: 'The whole value',
      config: 'record.payload',
      given: [{ payload: { id: 1 } }],
      expect: [[{ id: 1 }]],
    },
  ],

  build(shape, { scheduler }) {
    if ('of' in shape) return (record) => emit(record, withValue(record, wholeValue(shape, record, scheduler.now())))
    return (record) => emit(record, withValue(record, fieldsOf(shape, record, scheduler.now())))
  },
})

function wholeValue(expression: RecordExpression, record: Record, now: number): unknown {
  const value = expression.of(record, now)
  if (value === undefined) throw new ExpressionFault(expression.text, 'gives nothing to put in place of the value')
  return value
}

function fieldsOf(expressions: FieldExpressions, record: Record, now: number): { [name: string]: unknown } {
  const fields: { [name: string]: unknown } = {}
  for (const [name, expression] of expressions) {
    const value = expression.of(record, now)
    if (value !== undefined) fields[name] = value
  }
  return fields
}
