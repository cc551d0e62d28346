import { z } from 'zod'
import { path } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { UnplaceableFieldFault, withField } from '../record/change.ts'
import { Fault, MissingFieldFault } from '../record/fault.ts'
import { kindOf } from '../record/kind.ts'
import { emit } from '../record/outcome.ts'
import { field, type Record } from '../record/record.ts'

/** A field that must hold a number holds something else. */
export class NotANumberFault extends Fault {
  readonly code = 'value.not_a_number'
  readonly disposition = 'deadLetter'

  constructor(path: string, value: unknown) {
    super(
      `"${path}" is ${Number.isNaN(value) ? 'NaN' : kindOf(value)}, not a number; "parse" reads a number out of text.`,
    )
  }
}

export const clamp = defineOperator({
  name: 'clamp',
  summary: 'Moves numbers that lie outside a range to its nearest end.',

  config: z
    .strictObject({
      field: z
        .union([path(), z.array(path()).min(1)])
        .describe('The numeric field, or a list of them.')
        .meta({ examples: ['price', ['bid', 'ask']] }),
      min: z.number().optional().describe('Lowest number left as it is.'),
      max: z.number().optional().describe('Highest number left as it is.'),
    })
    .refine(({ min, max }) => min !== undefined || max !== undefined, 'expected "min", "max" or both')
    .refine(({ min = -Infinity, max = Infinity }) => min <= max, 'expected "min" to be no higher than "max"'),

  faults: [MissingFieldFault, NotANumberFault, UnplaceableFieldFault],

  examples: [
    {
      title: 'Keeping a price between 0 and 1',
      config: { field: 'price', min: 0, max: 1 },
      given: [{ price: 1.2 }, { price: 0.4 }, { price: -3 }, { price: '0.4' }, {}],
      expect: [
        [{ price: 1 }],
        [{ price: 0.4 }],
        [{ price: 0 }],
        'fail value.not_a_number',
        'fail record.missing_field',
      ],
    },
    {
      title: 'Two fields that are never negative',
      config: { field: ['order.paid', 'order.owed'], min: 0 },
      given: [{ order: { paid: 12, owed: -2 } }],
      expect: [[{ order: { paid: 12, owed: 0 } }]],
    },
  ],

  build({ field: paths, min = -Infinity, max = Infinity }) {
    const clamped = (record: Record, path: string): Record => {
      const value = field(record, path)
      if (value === undefined) throw new MissingFieldFault(path)
      if (typeof value !== 'number' || Number.isNaN(value)) throw new NotANumberFault(path, value)
      const within = Math.min(Math.max(value, min), max)
      return within === value ? record : withField(record, path, within)
    }
    return (record) => emit(record, [paths].flat().reduce(clamped, record))
  },
})
