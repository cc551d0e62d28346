import { z } from 'zod'
import { expression, ExpressionFault } from '../component/expression.ts'
import { duration } from '../component/fields.ts'
import { identityOf } from '../component/identity.ts'
import { defineOperator } from '../component/operator.ts'
import type { StateStore } from '../component/state.ts'
import { drop, emit } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'

/** When an identity was seen first, and in which record. */
type Sighting = readonly [at: number, mark: string]

export const dedupe = defineOperator({
  name: 'dedupe',
  summary: 'Drops a record whose identity was seen within a span of time.',

  config: z.strictObject({
    by: expression()
      .describe('What identifies a record. Null or nothing is a fault.')
      .meta({ examples: ['record.guid', '[record.market, record.outcome]'] }),
    within: duration()
      .prefault('24h')
      .describe('How long an identity is remembered, from when it was seen first. Kept per task, also over restarts.'),
  }),

  faults: [ExpressionFault],

  examples: [
    {
      title: 'Dropping a repeated article',
      config: { by: 'record.guid', within: '24h' },
      given: [{ guid: 'a' }, { guid: 'a' }, { guid: 'b' }, {}],
      expect: [[{ guid: 'a' }], 'drop duplicate', [{ guid: 'b' }], 'fail expression.failed'],
    },
    {
      title: 'Two fields together',
      config: { by: '[record.market, record.hour]' },
      given: [
        { market: 'm', hour: 1 },
        { market: 'm', hour: 2 },
        { market: 'm', hour: 1 },
      ],
      expect: [[{ market: 'm', hour: 1 }], [{ market: 'm', hour: 2 }], 'drop duplicate'],
    },
  ],

  build({ by, within }, { scheduler, state }) {
    const forget = sweeper(state, within)

    return (record) => {
      const now = scheduler.now()
      const identity = by.of(record, now)
      if (identity === undefined || identity === null) {
        throw new ExpressionFault(
          by.text,
          `gives ${identity === null ? 'null' : 'nothing'}, which identifies no record`,
        )
      }
      forget(now)

      const key = identityOf(identity)
      const earlier = state.get(`seen:${key}`) as Sighting | undefined
      if (earlier !== undefined && earlier[0] > now - within) {
        // The same record again is a retry or a redrive, not a duplicate.
        return earlier[1] === markOf(record) ? emit(record) : drop(record, 'duplicate')
      }
      if (earlier !== undefined) state.delete(timeKey(earlier[0], key))
      state.set(`seen:${key}`, [now, markOf(record)])
      state.set(timeKey(now, key), true)
      return emit(record)
    }
  },
})

const markOf = ({ origin: { topic, partition, offset }, index }: Record): string =>
  `${topic}/${partition}/${offset}${index}`

const timeKey = (at: number, key = ''): string => `at:${String(at).padStart(15, '0')}:${key}`

const sweptAtOnce = 10_000

/** Forgets old sightings, oldest first; now and then, so that state holds little more than one span's. */
function sweeper(state: StateStore, within: number): (now: number) => void {
  let next = -Infinity
  return (now) => {
    if (now < next) return
    const old = [...firstOf(state.keys('at:', timeKey(now - within + 1)), sweptAtOnce)]
    for (const key of old) {
      state.delete(key)
      state.delete(`seen:${key.slice(timeKey(0).length)}`)
    }
    next = old.length < sweptAtOnce ? now + within / 16 : now
  }
}

function* firstOf<T>(values: Iterable<T>, count: number): Iterable<T> {
  let left = count
  for (const value of values) {
    if (left-- === 0) return
    yield value
  }
}
