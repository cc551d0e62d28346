import { z } from 'zod'
import type { OperatorContext } from '../component/context.ts'
import { defineOperator, type Step } from '../component/operator.ts'
import type { Record } from '../record/record.ts'
import { copyOf } from '../component/copy.ts'
import { loadModule } from './use/load.ts'
import { overCopies, type StreamFunction } from './use/stream.ts'
import { BadResultFault, outcomeOf, verdictTools, type Tools } from './use/verdict.ts'

/**
 * A user's function of one record. It may return the new value; nothing, which drops the record; or what one of the tools
 * makes: many(values), value(list), drop(reason), fail(code, message). A throw fails the record.
 */
export type UserFunction = (value: unknown, record: Record, tools: Tools) => unknown

const file = () =>
  z
    .string()
    .regex(/\.[cm]?[jt]s$/, 'expected a path to a TypeScript or JavaScript file, such as "./operators/score.ts"')

export const use = defineOperator({
  name: 'use',
  summary: 'Runs an operator of your own, out of a TypeScript or JavaScript file.',

  config: z
    .union([
      file(),
      z.strictObject({
        file: file().describe('The file, relative to the config.'),
        concurrency: z
          .int()
          .min(1)
          .max(256)
          .optional()
          .describe(
            'Calls at once of a function that is awaited: 8 unless said. Records of one key go one after another. ' +
              'Saying it makes a plain function that returns a promise awaited too.',
          ),
      }),
    ])
    .transform((given) => (typeof given === 'string' ? { file: given } : given))
    .describe(
      'The file: it has `export default (value, record, { many, value, drop, fail }) => ...`, which may be async and ' +
        'returns the new value, nothing to drop the record, or what one of those makes; or ' +
        '`export const over = (records, { emit, drop, fail, scheduler }) => ...`, an RxJS operator that lets each record ' +
        'out as one outcome. Both work on copies.',
    )
    .meta({ examples: ['./operators/score.ts', { file: './operators/ask.ts', concurrency: 32 }] }),

  faults: [BadResultFault],

  examples: [
    {
      title: 'A function of your own',
      config: './operators/score.ts',
      given: [{ title: 'Rain in the north', keywords: ['rain', 'north'] }, { title: 'Rain' }, { title: 7 }],
      expect: [
        [{ title: 'Rain in the north', keywords: ['rain', 'north'], score: 1 }],
        'drop no keywords',
        'fail title.not_text',
      ],
    },
  ],

  build({ file, concurrency }, context) {
    const module = loadModule(file, context.directory)
    if (module.kind === 'over') return { over: overCopies(module.call as StreamFunction, context) }
    const call = module.call as UserFunction
    if (module.isAsync || concurrency !== undefined) return awaited(call, concurrency ?? 8, context)

    const tools: Tools = { ...verdictTools, log: context.log, signal: context.signal }
    return (record) => outcomeOf(record, notAPromise(callOnCopy(call, record, tools)))
  },
})

function awaited(call: UserFunction, concurrency: number, { log }: OperatorContext): Step {
  return {
    concurrency,
    each: async (record, signal) => outcomeOf(record, await callOnCopy(call, record, { ...verdictTools, log, signal })),
  }
}

/** Whatever a user's code changes in place, it changes in its own copy. */
function callOnCopy(call: UserFunction, record: Record, tools: Tools): unknown {
  const value = copyOf(record.value)
  const { source, topic, partition, offset, timestamp } = record.origin
  const copy: Record = {
    key: record.key && Buffer.from(record.key),
    value,
    headers: record.headers.map(([name, bytes]) => [name, bytes && Buffer.from(bytes)]),
    timestamp: record.timestamp,
    origin: { source, topic, partition, offset, timestamp },
    index: record.index,
  }
  return call(value, copy, tools)
}

function notAPromise(returned: unknown): unknown {
  if (typeof (returned as { readonly then?: unknown } | null | undefined)?.then !== 'function') return returned
  // The record fails for this already; that the promise may fail later on is no news, and must not end the process.
  void Promise.resolve(returned).catch(() => undefined)
  throw new BadResultFault('It returned a promise: declare the function "async", or say "concurrency" in the config.')
}
