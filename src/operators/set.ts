import { z } from 'zod'
import { expression, ExpressionFault } from '../component/expression.ts'
import { path, withoutProto } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { UnplaceableFieldFault, withField } from '../record/change.ts'
import { emit } from '../record/outcome.ts'

export const set = defineOperator({
  name: 'set',
  summary: 'Adds or overwrites fields and keeps the rest.',

  config: withoutProto(
    z.record(path(), expression()).refine((fields) => Object.keys(fields).length > 0, 'expected at least one field'),
  )
    .describe(
      'Paths of fields, each with an expression over the record as it came in. Objects that a path lacks are made. ' +
        'An absent optional, such as `record.?title`, leaves the field as it is.',
    )
    .meta({ examples: [{ 'meta.seen_at': 'now' }] }),

  faults: [ExpressionFault, UnplaceableFieldFault],

  examples: [
    {
      title: 'Adding fields',
      config: { total: 'record.price * record.count', 'meta.kind': "'order'" },
      given: [{ price: 0.5, count: 3 }],
      expect: [[{ price: 0.5, count: 3, total: 1.5, meta: { kind: 'order' } }]],
    },
    {
      title: 'A field below something that is no object',
      config: { 'title.en': "'Rain'" },
      given: [{ title: 'Regen' }, {}],
      expect: ['fail field.unplaceable', [{ title: { en: 'Rain' } }]],
    },
  ],

  build(fields, { scheduler }) {
    const entries = Object.entries(fields)
    return (record) => {
      const now = scheduler.now()
      const values = entries.map(([path, expression]) => [path, expression.of(record, now)] as const)
      return emit(
        record,
        values.reduce(
          (result, [path, value]) => (value === undefined ? result : withField(result, path, value)),
          record,
        ),
      )
    }
  },
})
