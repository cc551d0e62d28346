import { resolve } from 'node:path'
import { z } from 'zod'
import { size } from '../component/fields.ts'
import { defineSource, type Connector } from '../component/source.ts'
import { ValueUnreadableFault } from '../component/value.ts'
import { cutLines, LineTooLongFault } from './file/lines.ts'
import { openReading, type FileCursor, type Reading } from './file/reading.ts'
import { cutRows, RowBadColumnsFault, RowUnreadableFault } from './file/rows.ts'

/** Milliseconds until a followed file is looked at again. */
const followEvery = 250

export const file = defineSource({
  name: 'file',
  summary: 'Reads a file of JSON lines, CSV rows or lines of text, and follows it as it grows if asked to.',

  config: z
    .strictObject({
      path: z.string().min(1).describe('The file; a relative path starts from the directory of the config.'),
      format: z
        .enum(['jsonl', 'csv', 'text'])
        .optional()
        .describe('What its lines are; without it a path that ends in .csv is CSV, and any other JSON lines.'),
      follow: z
        .boolean()
        .default(false)
        .describe('Whether to wait for more at its end; a line then counts once its newline is written.'),
      key: z
        .string()
        .min(1)
        .optional()
        .describe('Field whose value becomes the key of the record: a dotted path, in CSV the name of a column.'),
      delimiter: z.string().length(1).optional().describe('What separates the columns of CSV; a comma by default.'),
      columns: z
        .array(z.string())
        .min(1)
        .optional()
        .describe('Names of the columns of CSV without a header row; without them the first row names the columns.'),
      maxLine: size().prefault('1MiB').describe('The longest line; a longer one is dead-lettered with its beginning.'),
    })
    .refine((config) => formatOf(config) === 'csv' || (!config.delimiter && !config.columns), {
      error: 'delimiter and columns are for CSV: set format: csv or leave them out',
    })
    .refine((config) => formatOf(config) !== 'text' || !config.key, {
      error: 'lines of text have no fields to take a key from: leave key out',
      path: ['key'],
    }),

  faults: [LineTooLongFault, RowBadColumnsFault, RowUnreadableFault, ValueUnreadableFault],

  examples: [
    { title: 'JSON lines', config: { path: './clicks.jsonl' } },
    { title: 'A log that grows, one line a record', config: { path: './app.log', format: 'text', follow: true } },
    {
      title: 'CSV without a header row, keyed by a column',
      config: { path: './prices.csv', delimiter: ';', columns: ['market', 'price'], key: 'market' },
    },
  ],

  format: (config) => (formatOf(config) === 'text' ? 'text' : 'json'),

  async open(config, { directory, log }): Promise<Connector> {
    const path = resolve(directory, config.path)
    const cut = formatOf(config) === 'csv' ? cutRows({ ...config, path }) : cutLines({ ...config, path })
    const begin = (cursor: FileCursor | undefined) => openReading({ path, follow: config.follow, cut, log }, cursor)
    // A followed file may still be to come; any other has to be there.
    let reading: Reading | undefined = config.follow ? undefined : await begin(undefined)

    return {
      async poll(cursor, signal) {
        const from = cursor as FileCursor | undefined
        if (!reading?.isAt(from)) {
          await reading?.close()
          reading = undefined
          reading = await begin(from)
        }
        const { ended, ...found } = await reading.next(signal)
        return { ...found, ...(ended && { wait: config.follow ? followEvery : 'ended' }) }
      },

      close: async () => reading?.close(),
    }
  },
})

function formatOf({ format, path }: { readonly format?: string | undefined; readonly path: string }): string {
  return format ?? (path.toLowerCase().endsWith('.csv') ? 'csv' : 'jsonl')
}
