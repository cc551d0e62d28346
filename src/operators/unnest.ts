import { z } from 'zod'
import { emitEach, NotAListFault } from '../component/elements.ts'
import { path } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { UnplaceableFieldFault, withField, withoutField } from '../record/change.ts'
import { MissingFieldFault } from '../record/fault.ts'
import { field } from '../record/record.ts'

const listField = () =>
  path().refine(
    (text) => !text.startsWith('record.'),
    'a path starts inside the record: without "record.", such as "order.items"',
  )

export const unnest = defineOperator({
  name: 'unnest',
  summary: 'Makes a record for each element of a list, and keeps the fields around the list.',

  config: z
    .union([listField(), z.strictObject({ field: listField(), as: path().optional() })])
    .transform((given) => (typeof given === 'string' ? { field: given, as: given } : { as: given.field, ...given }))
    .describe(
      'Path of the list, or `{ field, as }`: each element takes the place of the list, or stands under another path. ' +
        'An empty list drops the record.',
    )
    .meta({ examples: ['items', { field: 'items', as: 'item' }] }),

  faults: [MissingFieldFault, NotAListFault, UnplaceableFieldFault],

  examples: [
    {
      title: 'An order line a record',
      config: { field: 'items', as: 'item' },
      given: [{ id: 1, items: ['a', 'b'] }, { id: 2, items: [] }, { id: 3 }, { id: 4, items: 'a' }],
      expect: [
        [
          { id: 1, item: 'a' },
          { id: 1, item: 'b' },
        ],
        'drop empty list',
        'fail record.missing_field',
        'fail value.not_a_list',
      ],
    },
    {
      title: 'In place of the list',
      config: 'order.items',
      given: [{ order: { id: 1, items: ['a', 'b'] } }],
      expect: [[{ order: { id: 1, items: 'a' } }, { order: { id: 1, items: 'b' } }]],
    },
  ],

  build({ field: list, as = list }) {
    return (record) => {
      const elements = field(record, list)
      if (elements === undefined) throw new MissingFieldFault(list)
      const rest = withoutField(record, list)
      return emitEach(record, `The field "${list}"`, elements, (element) => withField(rest, as, element).value)
    }
  },
})
