import { z } from 'zod'
import { defineSink } from '../component/sink.ts'
import { KeylessFault } from '../component/keyless.ts'

const tableName = () =>
  z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'expected a name of letters, digits, - and _, such as "products"')

export const table = defineSink({
  name: 'table',
  summary: 'Keeps the last record of each key, for joins and to be looked at; a tombstone removes its key.',
  config: z
    .union([
      tableName(),
      z.strictObject({
        name: tableName().describe('The table.'),
        global: z
          .boolean()
          .default(false)
          .describe(
            'Every task has all of it: `join` finds the row of any key, whatever partition a record is in. On Kafka each process, and each of its threads, keeps a whole copy in memory.',
          ),
      }),
    ])
    .transform((given) => (typeof given === 'string' ? { name: given, global: false } : given))
    .describe('The name of the table: unique in its pipeline.')
    .meta({ examples: ['products', { name: 'countries', global: true }] }),
  faults: [KeylessFault],
  examples: [
    { title: 'Products by their keys', config: 'products' },
    { title: 'Countries, for every task', config: { name: 'countries', global: true } },
  ],
  keyed: true,
  table: (config) => config,
})
