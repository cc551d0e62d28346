import { z } from 'zod'
import { path, withoutProto } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { UnplaceableFieldFault, withField, withoutField } from '../record/change.ts'
import { MissingFieldFault } from '../record/fault.ts'
import { emit } from '../record/outcome.ts'
import { field, type Record } from '../record/record.ts'

export const rename = defineOperator({
  name: 'rename',
  summary: 'Moves fields to other names. A field that is not there is a fault.',

  config: withoutProto(
    z
      .record(path(), path())
      .refine((names) => Object.keys(names).length > 0, 'expected at least one field')
      .refine(
        (names) => new Set(Object.values(names)).size === Object.keys(names).length,
        'two fields get the same name',
      ),
  )
    .describe('Old path to new path. All are read before the first is moved, so that two names can be swapped.')
    .meta({ examples: [{ ts: 'published_at' }] }),

  faults: [MissingFieldFault, UnplaceableFieldFault],

  examples: [
    {
      title: 'Another name',
      config: { ts: 'meta.published_at' },
      given: [{ ts: '2026-01-08T12:00:00Z', id: 1 }, { id: 2 }],
      expect: [[{ id: 1, meta: { published_at: '2026-01-08T12:00:00Z' } }], 'fail record.missing_field'],
    },
    {
      title: 'Swapping two fields',
      config: { bid: 'ask', ask: 'bid' },
      given: [{ bid: 2, ask: 1 }],
      expect: [[{ bid: 1, ask: 2 }]],
    },
  ],

  build(names) {
    const moves = Object.entries(names)
    return (record) => {
      const values = moves.map(([from]) => required(record, from))
      const cleared = moves.reduce((result, [from]) => withoutField(result, from), record)
      return emit(
        record,
        moves.reduce((result, [, to], n) => withField(result, to, values[n]), cleared),
      )
    }
  },
})

function required(record: Record, path: string): unknown {
  const value = field(record, path)
  if (value === undefined) throw new MissingFieldFault(path)
  return value
}
