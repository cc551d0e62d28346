import { z } from 'zod'
import { expression, ExpressionFault } from '../component/expression.ts'
import { defineOperator } from '../component/operator.ts'
import { emit } from '../record/outcome.ts'

export const log = defineOperator({
  name: 'log',
  summary: 'Writes a line about each record to the log, and lets it go on as it is.',

  config: z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The level of the line.'),
    message: expression()
      .optional()
      .describe("An expression for the line's text. Without it the whole value is logged, whatever is in it.")
      .meta({ examples: ["'price of ' + record.market + ': ' + string(record.price)"] }),
  }),

  faults: [ExpressionFault],

  examples: [
    {
      title: 'A line for each price',
      config: { message: "'price ' + string(record.price)" },
      given: [{ price: 0.4 }, {}],
      expect: [[{ price: 0.4 }], 'fail expression.failed'],
    },
  ],

  build({ level, message }, context) {
    return (record) => {
      const { topic, partition, offset } = record.origin
      const fields = { operator: context.name, origin: `${topic}/${partition}/${offset}${record.index}` }
      if (message) {
        const text = message.of(record, context.scheduler.now())
        context.log[level](fields, typeof text === 'string' ? text : (JSON.stringify(text) ?? 'nothing'))
      } else context.log[level]({ ...fields, value: record.value }, 'record')
      return emit(record)
    }
  },
})
