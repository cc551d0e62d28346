import { z } from 'zod'
import { writeCsvRow } from '../component/csv.ts'
import { dateFormat, timeZone, writeDate } from '../component/dates.ts'
import { path } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { targetAt } from '../component/target.ts'
import { NotTextFault, template } from '../component/template.ts'
import { DateUnreadableFault } from '../component/unreadable.ts'
import { UnplaceableFieldFault } from '../record/change.ts'
import { Fault, MissingFieldFault } from '../record/fault.ts'
import { kindOf } from '../record/kind.ts'
import { emit } from '../record/outcome.ts'
import { field, withValue, type Record } from '../record/record.ts'

/** A value has no form in what it is to be written as, such as bytes in JSON. */
class UnwritableFault extends Fault {
  readonly code = 'value.unwritable'
  readonly disposition = 'deadLetter'
}

const where = path().optional().describe('The field to write; the whole value when absent.')
const json = z.strictObject({ field: where, as: z.literal('json') })
const csv = z.strictObject({
  field: where,
  as: z.literal('csv'),
  columns: z.array(path()).min(1).describe('The fields of the row, in order; an absent or null one is left empty.'),
  delimiter: z.string().length(1).default(',').describe('What stands between two fields.'),
})
const text = z.strictObject({
  field: where,
  as: z.literal('text'),
  template: template()
    .describe('The text, with places for fields of the record.')
    .meta({ examples: ['{record.title} by {record.author}'] }),
})
const date = z.strictObject({
  field: where,
  as: z.literal('date'),
  format: dateFormat()
    .describe("How to write it: iso, rfc822, sql, unix (seconds), unixMillis, or a pattern of Luxon's tokens.")
    .meta({ examples: ['unix', 'dd/MM/yyyy HH:mm'] }),
  zone: timeZone().default('utc').describe('The time zone to write it in.'),
})

type Config = z.output<typeof json | typeof csv | typeof text | typeof date>

export const format = defineOperator({
  name: 'format',
  summary: 'Writes a value as JSON, CSV, text or a date in another form.',

  config: z.discriminatedUnion('as', [json, csv, text, date]),

  faults: [MissingFieldFault, UnplaceableFieldFault, UnwritableFault, NotTextFault, DateUnreadableFault],

  examples: [
    {
      title: 'JSON as text in a field',
      config: { field: 'payload', as: 'json' },
      given: [{ id: 7, payload: { price: 0.4 } }, {}],
      expect: [[{ id: 7, payload: '{"price":0.4}' }], 'fail record.missing_field'],
    },
    {
      title: 'A line of CSV',
      config: { as: 'csv', columns: ['market', 'price'] },
      given: [{ market: 'rain, heavy', price: 0.4 }, { market: 'snow' }, { market: ['snow'] }],
      expect: [['"rain, heavy",0.4'], ['snow,'], 'fail value.unwritable'],
    },
    {
      title: 'A sentence',
      config: { field: 'headline', as: 'text', template: '{record.market} at {record.price}' },
      given: [{ market: 'rain', price: 0.4 }],
      expect: [[{ market: 'rain', price: 0.4, headline: 'rain at 0.4' }]],
    },
    {
      title: 'A date as people write it',
      config: { field: 'at', as: 'date', format: 'dd/MM/yyyy HH:mm', zone: 'Europe/Rome' },
      given: [{ at: '2026-07-05T07:30:00.000Z' }, { at: 'yesterday' }],
      expect: [[{ at: '05/07/2026 09:30' }], 'fail date.unreadable'],
    },
  ],

  build(config) {
    const target = targetAt(config.field)
    if (config.as === 'text') return (record) => emit(record, target.write(record, config.template.fill(record)))
    return (record) => emit(record, target.write(record, written(record, target.read(record), target.name, config)))
  },
})

function written(record: Record, value: unknown, name: string, config: Exclude<Config, { as: 'text' }>): unknown {
  switch (config.as) {
    case 'json':
      return jsonOf(value, name)
    case 'csv':
      return csvOf(withValue(record, value), name, config)
    case 'date':
      return dateOf(value, name, config)
  }
}

function jsonOf(value: unknown, name: string): string {
  if (value instanceof Uint8Array)
    throw new UnwritableFault(`${name} is bytes, which JSON cannot hold; "parse" it first.`)
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new UnwritableFault(`${name} cannot be written as JSON: it holds a bigint or itself.`, { cause })
  }
}

function csvOf(row: Record, name: string, { columns, delimiter }: z.output<typeof csv>): string {
  if (kindOf(row.value) !== 'object') {
    throw new UnwritableFault(`${name} is of type ${kindOf(row.value)}; a row of CSV is written from an object.`)
  }
  return writeCsvRow(
    columns.map((column) => cell(field(row, column), column)),
    delimiter,
  )
}

function cell(value: unknown, column: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'object') return String(value)
  throw new UnwritableFault(`"${column}" is of type ${kindOf(value)}, which has no place in a row of CSV.`)
}

function dateOf(value: unknown, name: string, { format, zone }: z.output<typeof date>): string | number {
  const written = typeof value === 'string' ? writeDate(value, format, zone) : undefined
  if (written !== undefined) return written
  throw new DateUnreadableFault(name, 'it is not a date in ISO 8601, which "parse" makes of others')
}
