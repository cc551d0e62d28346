import { z } from 'zod'
import { topicName } from '../component/fields.ts'
import { defineSink } from '../component/sink.ts'
import { SinkRefusedFault } from '../record/fault.ts'

const format = z
  .enum(['json', 'text', 'bytes'])
  .default('json')
  .describe('How values are written: `json`, or text or bytes as they are.')

export const topic = defineSink({
  name: 'topic',
  summary: 'Appends each record to a topic, in the same unit as the input offsets: exactly once.',
  config: z.union([
    topicName().transform((name) => ({ name, format: 'json' as const })),
    z.strictObject({
      name: topicName().describe('The topic; created if it is missing.'),
      partitions: z.int().min(1).max(10_000).optional().describe('Its partitions, if it has to be created.'),
      format,
    }),
  ]),
  faults: [SinkRefusedFault],
  examples: [
    { title: 'To a topic', config: 'articles.clean' },
    { title: 'To a topic of four partitions', config: { name: 'articles.clean', partitions: 4 } },
  ],
})
