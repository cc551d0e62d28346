import { z } from 'zod'
import { defineSink } from '../component/sink.ts'
import { KeylessFault } from '../component/keyless.ts'

const tableName = () =>
  z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'expected a name of letters, digits, - and _, such as "products"')

export const table = defineSink({
  name: 'table',
  summary: 'Keeps the last record of each key, for joins and to be looked at; a tombstone removes its key.',
  config: z
    .union([tableName(), z.strictObject({ name: tableName().describe('The table.') })])
    .transform((given) => (typeof given === 'string' ? { name: given } : given))
    .describe('The name of the table: unique in its pipeline.')
    .meta({ examples: ['products', { name: 'products' }] }),
  faults: [KeylessFault],
  examples: [{ title: 'Products by their keys', config: 'products' }],
  keyed: true,
  table: ({ name }) => name,
})
