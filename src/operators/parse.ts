import { z } from 'zod'
import { readCsvRow, readCsvTable } from '../component/csv.ts'
import { dateFormat, readDate, timeZone } from '../component/dates.ts'
import { path } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { ReadingProblem, readJson, readNumber, readText } from '../component/reading.ts'
import { targetAt } from '../component/target.ts'
import {
  CsvUnreadableFault,
  DateUnreadableFault,
  JsonUnreadableFault,
  NumberUnreadableFault,
  TextUnreadableFault,
} from '../component/unreadable.ts'
import { MissingFieldFault } from '../record/fault.ts'
import { emit } from '../record/outcome.ts'

const where = path().optional().describe('The field to read; the whole value when absent.')
const json = z.strictObject({ field: where, as: z.literal('json') })
const text = z.strictObject({ field: where, as: z.literal('text') })
const number = z.strictObject({ field: where, as: z.literal('number') })
const csv = z.strictObject({
  field: where,
  as: z.literal('csv'),
  columns: z
    .array(z.string().min(1))
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'expected every column to have a name of its own')
    .optional()
    .describe(
      'Names of the fields of one row, which becomes an object. Without them the first row names the columns and the result is a list of objects.',
    ),
  delimiter: z.string().length(1).default(',').describe('What stands between two fields.'),
})
const date = z.strictObject({
  field: where,
  as: z.literal('date'),
  format: dateFormat()
    .optional()
    .describe(
      "How it is written: iso, rfc822, sql, unix (seconds), unixMillis, or a pattern of Luxon's tokens. Without it, text in one of the first three.",
    )
    .meta({ examples: ['unix', 'dd/MM/yyyy HH:mm'] }),
  zone: timeZone().default('utc').describe('The time zone of dates that name none.'),
})

type Config = z.output<typeof json | typeof text | typeof number | typeof csv | typeof date>
type Unreadable = new (what: string, problem: string, options?: ErrorOptions) => Error

const faults: { readonly [as in Config['as']]: Unreadable } = {
  json: JsonUnreadableFault,
  csv: CsvUnreadableFault,
  text: TextUnreadableFault,
  number: NumberUnreadableFault,
  date: DateUnreadableFault,
}

export const parse = defineOperator({
  name: 'parse',
  summary: 'Reads JSON, CSV, text, a number or a date out of text or bytes.',

  config: z.discriminatedUnion('as', [json, csv, text, number, date]),

  faults: [
    MissingFieldFault,
    JsonUnreadableFault,
    CsvUnreadableFault,
    TextUnreadableFault,
    NumberUnreadableFault,
    DateUnreadableFault,
  ],

  examples: [
    {
      title: 'JSON inside a field of text',
      config: { field: 'outcomes', as: 'json' },
      given: [{ outcomes: '["Yes","No"]' }, { outcomes: '["Yes",' }, {}],
      expect: [[{ outcomes: ['Yes', 'No'] }], 'fail json.unreadable', 'fail record.missing_field'],
    },
    {
      title: 'Lines of CSV',
      config: { as: 'csv', columns: ['market', 'price'] },
      given: ['rain,0.4', '"rain, heavy",0.1', 'rain'],
      expect: [[{ market: 'rain', price: '0.4' }], [{ market: 'rain, heavy', price: '0.1' }], 'fail csv.unreadable'],
    },
    {
      title: 'A table of CSV',
      config: { as: 'csv', delimiter: ';' },
      given: ['market;price\nrain;0.4\nsnow;0.1\n'],
      expect: [
        [
          [
            { market: 'rain', price: '0.4' },
            { market: 'snow', price: '0.1' },
          ],
        ],
      ],
    },
    {
      title: 'A number written as text',
      config: { field: 'price', as: 'number' },
      given: [{ price: '.48' }, { price: 'n/a' }],
      expect: [[{ price: 0.48 }], 'fail number.unreadable'],
    },
    {
      title: 'A date in a usual form',
      config: { field: 'at', as: 'date' },
      given: [{ at: 'Sun, 05 Jul 2026 09:30:00 +0200' }, { at: '2026-07-05 09:30:00+02' }, { at: 'yesterday' }],
      expect: [[{ at: '2026-07-05T07:30:00.000Z' }], [{ at: '2026-07-05T07:30:00.000Z' }], 'fail date.unreadable'],
    },
    {
      title: 'A date in a form of its own',
      config: { field: 'at', as: 'date', format: 'dd/MM/yyyy HH:mm', zone: 'Europe/Rome' },
      given: [{ at: '05/07/2026 09:30' }],
      expect: [[{ at: '2026-07-05T07:30:00.000Z' }]],
    },
  ],

  build(config) {
    const target = targetAt(config.field)
    const Unreadable = faults[config.as]

    return (record) => {
      try {
        return emit(record, target.write(record, read(target.read(record), config)))
      } catch (cause) {
        if (cause instanceof ReadingProblem) {
          throw new Unreadable(target.name, cause.message, { cause })
        }
        throw cause
      }
    }
  },
})

function read(value: unknown, config: Config): unknown {
  switch (config.as) {
    case 'json':
      return readJson(readText(value))
    case 'csv':
      return readCsv(readText(value), config)
    case 'text':
      return readText(value)
    case 'number':
      return typeof value === 'number' ? value : readNumber(readText(value))
    case 'date':
      return readDateOf(value, config)
  }
}

function readCsv(text: string, { columns, delimiter }: z.output<typeof csv>): unknown {
  if (!columns) return readCsvTable(text, delimiter).rows.map(({ row }) => row)
  const fields = readCsvRow(text, delimiter)
  if (fields.length === columns.length) return Object.fromEntries(columns.map((name, index) => [name, fields[index]]))
  throw new ReadingProblem(`it has ${fields.length} fields; expected ${columns.length}`)
}

function readDateOf(value: unknown, { format, zone }: z.output<typeof date>): string {
  if (typeof value === 'number' && format !== 'unix' && format !== 'unixMillis') {
    throw new ReadingProblem('it is a number; "format: unix" reads seconds, "format: unixMillis" milliseconds')
  }
  const iso = readDate(typeof value === 'number' ? value : readText(value), format, zone)
  if (iso !== undefined) return iso
  throw new ReadingProblem(
    `it is not a date${format === undefined ? ' in ISO 8601, RFC 822 or SQL form' : ` in the form "${format}"`}`,
  )
}
