import { z } from 'zod'
import { compileSchema } from '../component/jsonSchema.ts'
import { defineOperator } from '../component/operator.ts'
import { describeProblems } from '../component/schemaProblem.ts'
import { Fault } from '../record/fault.ts'
import { emit } from '../record/outcome.ts'

/** The record's value breaks the schema. */
export class InvalidRecordFault extends Fault {
  readonly code = 'record.invalid'
  readonly disposition = 'deadLetter'
}

export const validate = defineOperator({
  name: 'validate',
  summary: 'Fails a record whose value does not match a JSON Schema.',

  config: z.strictObject({
    schema: z
      .union([z.string().min(1), z.record(z.string(), z.unknown())])
      .describe(
        'A JSON Schema file, or the schema itself: draft 2020-12, or draft-07 where "$schema" says so. ' +
          '"$ref" reaches within the document and to files beside it.',
      )
      .meta({ examples: ['./schemas/article.json'] }),
  }),

  faults: [InvalidRecordFault],

  examples: [
    {
      title: 'A price between 0 and 1',
      config: {
        schema: {
          type: 'object',
          required: ['market', 'price'],
          properties: { market: { type: 'string' }, price: { type: 'number', minimum: 0, maximum: 1 } },
        },
      },
      given: [{ market: 'rain', price: 0.4 }, { market: 'rain', price: 1.7 }, { price: '0.4' }],
      expect: [[{ market: 'rain', price: 0.4 }], 'fail record.invalid', 'fail record.invalid'],
    },
  ],

  build({ schema }, { directory }) {
    const matches = compileSchema(schema, directory)
    const name = typeof schema === 'string' ? schema : 'the schema'

    return (record) => {
      if (record.value instanceof Uint8Array) {
        throw new InvalidRecordFault('The value is bytes, which no schema describes: "parse" it first.')
      }
      if (matches(record.value)) return emit(record)
      throw new InvalidRecordFault(`The record does not match ${name}: ${describeProblems(matches.errors ?? [])}.`)
    }
  },
})
