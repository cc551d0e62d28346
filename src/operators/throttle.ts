import { z } from 'zod'
import { expression, ExpressionFault } from '../component/expression.ts'
import { duration } from '../component/fields.ts'
import { identityOf } from '../component/identity.ts'
import { defineOperator } from '../component/operator.ts'
import type { StateStore } from '../component/state.ts'
import { drop, emit } from '../record/outcome.ts'

/** A span that is being counted. */
type Span = readonly [start: number, count: number]

export const throttle = defineOperator({
  name: 'throttle',
  summary: 'Lets a number of records through in a span of time, and drops those above it.',

  config: z.strictObject({
    limit: z.int().min(1).describe('How many records go through in a span.'),
    per: duration().describe('The span. It begins with a record, the next one with the first record after its end.'),
    by: expression()
      .optional()
      .describe('Counts apart for each value of this expression. Counts are kept per task, also over restarts.')
      .meta({ examples: ['record.market'] }),
  }),

  faults: [ExpressionFault],

  examples: [
    {
      title: 'Two records an hour for each market',
      config: { limit: 2, per: '1h', by: 'record.market' },
      given: [{ market: 'a' }, { market: 'a' }, { market: 'b' }, { market: 'a' }],
      expect: [[{ market: 'a' }], [{ market: 'a' }], [{ market: 'b' }], 'drop throttled'],
    },
  ],

  build({ limit, per, by }, { scheduler, state }) {
    const forget = sweeper(state, per)

    return (record) => {
      const now = scheduler.now()
      const key = by ? identityOf(by.of(record, now) ?? null) : ''
      forget(now)

      const span = state.get(key) as Span | undefined
      const [start, count] = span !== undefined && now < span[0] + per ? span : [now, 0]
      if (count >= limit) return drop(record, 'throttled')
      state.set(key, [start, count + 1])
      return emit(record)
    }
  },
})

/** Forgets the spans that have ended, once a span. */
function sweeper(state: StateStore, per: number): (now: number) => void {
  let next = -Infinity
  return (now) => {
    if (now < next) return
    next = now + per
    const ended = [...state.entries()].filter(([, span]) => now >= (span as Span)[0] + per)
    for (const [key] of ended) state.delete(key)
  }
}
