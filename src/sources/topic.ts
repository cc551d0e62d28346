import { z } from 'zod'
import { defineSource } from '../component/source.ts'
import { ValueUnreadableFault } from '../component/value.ts'

export const topic = defineSource({
  name: 'topic',
  summary: 'Reads a topic that others write to.',

  config: z.strictObject({
    format: z
      .enum(['json', 'text', 'bytes'])
      .default('json')
      .describe('How values are read; one that cannot be read so is dead-lettered as value.unreadable.'),
  }),

  faults: [ValueUnreadableFault],

  examples: [
    { title: 'JSON values', config: {} },
    { title: 'Values kept as bytes', config: { format: 'bytes' } },
  ],

  format: ({ format }) => format,
})
