import { z } from 'zod'
import { conventions } from '../component/convention.ts'
import { topicName } from '../component/fields.ts'
import { defineSource } from '../component/source.ts'

export const deadLetterQueue = defineSource({
  name: 'deadLetterQueue',
  summary: 'Reads a topic of dead letters, whoever wrote them: streams get the records that failed.',

  config: z.strictObject({
    convention: z
      .enum(['auto', ...conventions])
      .default('auto')
      .describe(
        'Who writes the letters: oxbow, connect (Kafka Connect), spring (Spring Kafka), streams (Kafka Streams), shareGroup (share ' +
          'groups of Kafka), vector, json (a JSON document around the record); a record that is none is dead-lettered as ' +
          'letter.unreadable. "auto" takes each record as what it is, and one that is no letter as it stands.',
      ),
    format: z
      .enum(['json', 'text', 'bytes'])
      .default('json')
      .describe('How values of the records that failed are read; the bytes themselves may be why they failed.'),
    originals: z
      .array(topicName())
      .default([])
      .describe(
        'Topics that letters of share groups come from, which hold only copies of records, or none: what is sent back is read ' +
          'there. Other topics that letters name are not read, as whoever writes to this one can name any.',
      ),
  }),

  faults: [],

  examples: [
    { title: 'Dead letters of any convention', config: {} },
    {
      title: 'Those of Kafka Connect, whose values may be no JSON',
      config: { convention: 'connect', format: 'bytes' },
    },
    {
      title: 'Those of a share group that reads orders, whose records are sent back as they lie there',
      config: { convention: 'shareGroup', originals: ['orders'] },
    },
  ],

  format: ({ format }) => format,
  letters: ({ convention }) => convention,
  originals: ({ originals }) => originals,
})
