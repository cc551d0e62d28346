import { z } from 'zod'
import { defineOperator } from '../component/operator.ts'
import { drop, emit } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'

export const sample = defineOperator({
  name: 'sample',
  summary: 'Keeps some of the records and drops the others.',

  config: z
    .strictObject({
      every: z
        .int()
        .min(1)
        .optional()
        .describe('Keeps the first of every so many records. Counted per task, also over restarts.'),
      share: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Keeps this share of the records, chosen by their origin: the same ones again in a replay.'),
    })
    .refine(
      ({ every, share }) => (every === undefined) !== (share === undefined),
      'expected either "every" or "share"',
    ),

  faults: [],

  examples: [
    {
      title: 'One of three',
      config: { every: 3 },
      given: [1, 2, 3, 4],
      expect: [[1], 'drop sampled out', 'drop sampled out', [4]],
    },
  ],

  build({ every, share = 1 }, { state }) {
    if (every === undefined) {
      return (record) => (fractionOf(record) < share ? emit(record) : drop(record, 'sampled out'))
    }
    return (record) => {
      const before = (state.get('count') as number | undefined) ?? 0
      state.set('count', (before + 1) % every)
      return before === 0 ? emit(record) : drop(record, 'sampled out')
    }
  },
})

/** A number from 0 to 1, 1 excluded, that depends on nothing but where the record comes from: FNV-1a, then mixed. */
function fractionOf({ origin: { topic, partition, offset }, index }: Record): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(`${topic}/${partition}/${offset}${index}`)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
