import { z } from 'zod'
import { expression, ExpressionFault } from '../component/expression.ts'
import { path } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { keyOf, readTable } from '../component/table.ts'
import { UnplaceableFieldFault, withField } from '../record/change.ts'
import { Fault } from '../record/fault.ts'
import { kindOf } from '../record/kind.ts'
import { drop, emit } from '../record/outcome.ts'

/** The table has no row for the record. */
export class LookupMissedFault extends Fault {
  readonly code = 'lookup.missed'
  readonly disposition = 'deadLetter'
}

export const lookup = defineOperator({
  name: 'lookup',
  summary: 'Adds the row of a table that a record points to.',

  config: z.strictObject({
    by: expression()
      .describe('What to look for: an expression that gives text or a number.')
      .meta({ examples: ['record.source'] }),
    table: z
      .union([z.string().min(1), z.array(z.record(z.string(), z.unknown()))])
      .describe(
        'A .csv, .json (a list of objects) or .jsonl file of up to 64 MiB, read once at the start; or the rows themselves.',
      )
      .meta({ examples: ['./weights.csv'] }),
    on: path().describe(
      'The column that holds the key of a row. Keys are compared as text; no two rows may share one.',
    ),
    as: path().describe('The field that the row is put under.'),
    missing: z
      .enum(['fail', 'drop', 'keep'])
      .default('fail')
      .describe('What becomes of a record that no row is found for; "keep" lets it go on as it is.'),
  }),

  faults: [LookupMissedFault, ExpressionFault, UnplaceableFieldFault],

  examples: [
    {
      title: 'The weight of a source',
      config: {
        by: 'record.source',
        table: [
          { source: 'gazette', weight: 0.9 },
          { source: 'blog', weight: 0.2 },
        ],
        on: 'source',
        as: 'feed',
      },
      given: [{ source: 'blog' }, { source: 'radio' }],
      expect: [[{ source: 'blog', feed: { source: 'blog', weight: 0.2 } }], 'fail lookup.missed'],
    },
    {
      title: 'Dropping what is not in the table',
      config: { by: 'record.id', table: [{ id: '7', name: 'rain' }], on: 'id', as: 'market', missing: 'drop' },
      given: [{ id: 7 }, { id: 8 }],
      expect: [[{ id: 7, market: { id: '7', name: 'rain' } }], 'drop lookup missed'],
    },
  ],

  build({ by, table, on, as, missing }, { directory, scheduler }) {
    const rows = readTable(table, on, directory)

    return (record) => {
      const key = by.of(record, scheduler.now())
      const row = rows.get(keyOf(key) ?? '')
      if (row) return emit(record, withField(record, as, row))
      if (missing === 'drop') return drop(record, 'lookup missed')
      if (missing === 'keep') return emit(record)
      throw new LookupMissedFault(
        keyOf(key) === undefined
          ? `"${by.text}" gives ${kindOf(key)}, which is no key; expected text or a number.`
          : `No row has the "${on}" that "${by.text}" gives.`,
      )
    }
  },
})
