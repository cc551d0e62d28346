import { z } from 'zod'
import { defineSink, type OpenSink } from '../component/sink.ts'

export const log = defineSink({
  name: 'log',
  summary: 'Writes each record to the log; its text, if the value has one, as the message.',

  config: z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The level of the lines.'),
  }),

  faults: [],

  examples: [
    { title: 'To the log', config: {} },
    { title: 'As warnings', config: { level: 'warn' } },
  ],

  async open({ level }, context): Promise<OpenSink> {
    return {
      async write(records) {
        return records.map(({ key, value, origin }) => {
          const { topic, partition, offset } = origin
          const from = `${topic}/${partition}/${offset}`
          context.log[level]({ key: shown(key), value: shown(value), from }, messageOf(value) ?? context.name)
          return 'written'
        })
      },
      async close() {},
    }
  },
})

const shown = (value: unknown): unknown => (Buffer.isBuffer(value) ? value.toString() : value)

function messageOf(value: unknown): string | undefined {
  const text = typeof value === 'object' && value !== null && 'text' in value ? value.text : undefined
  return typeof text === 'string' ? text : undefined
}
