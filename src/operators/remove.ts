import { z } from 'zod'
import { path } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { withoutField } from '../record/change.ts'
import { emit } from '../record/outcome.ts'

export const remove = defineOperator({
  name: 'remove',
  summary: 'Removes fields. One that is not there is no fault.',

  config: z
    .union([path(), z.array(path()).min(1)])
    .describe('Path of the field, or a list of paths.')
    .meta({ examples: ['password', ['user.email', 'user.phone']] }),

  faults: [],

  examples: [
    {
      title: 'Removing personal data',
      config: ['user.email', 'ip'],
      given: [{ user: { id: 1, email: 'a@example.org' }, ip: '192.0.2.1' }, { user: null }],
      expect: [[{ user: { id: 1 } }], [{ user: null }]],
    },
  ],

  build(paths) {
    return (record) => emit(record, [paths].flat().reduce(withoutField, record))
  },
})
