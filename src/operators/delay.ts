import { delay as later, map, pipe } from 'rxjs'
import { z } from 'zod'
import { duration } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { emit } from '../record/outcome.ts'

export const delay = defineOperator({
  name: 'delay',
  summary: 'Holds every record for a time, and keeps their order.',

  config: z.strictObject({
    for: duration().describe('How long, from when the record gets here; from anew after a restart.'),
  }),

  faults: [],

  examples: [{ title: 'A tenth of a second later', config: { for: '100ms' }, given: [1, 2], expect: [[1], [2]] }],

  build({ for: time }, { scheduler }) {
    return {
      over: pipe(
        later(time, scheduler),
        map((record) => emit(record)),
      ),
    }
  },
})
