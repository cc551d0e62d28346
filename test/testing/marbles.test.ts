import { delay } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineOperator } from '../../src/component/operator.ts'
import { drop, emit } from '../../src/record/outcome.ts'
import { field } from '../../src/record/record.ts'
import { marbles, operatorContext, record } from '../../src/testing/index.ts'

const keep = defineOperator({
  name: 'keep',
  summary: 'Keeps records that were not seen in the last second.',
  config: z.strictObject({ by: z.string() }),
  faults: [],
  examples: [],
  build:
    ({ by }, { scheduler, state }) =>
    (record) => {
      const key = String(field(record, by))
      const seen = state.get(key) as number | undefined
      state.set(key, scheduler.now())
      return seen !== undefined && scheduler.now() - seen < 1_000 ? drop(record, 'seen') : emit(record)
    },
})

const a = record({ id: 1 })
const b = record({ id: 1 })

describe('marbles', () => {
  it(
    'run an operator on virtual time',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  ab 1s a|', { a, b })
      const expected = '     ed 1s e|'

      expectObservable(source.pipe(keep.over({ by: 'id' }, operatorContext()))).toBe(expected, {
        e: emit(a),
        d: drop(b, 'seen'),
      })
    }),
  )

  it('throw where the frames differ', () => {
    const wrong = marbles(({ cold, expectObservable }) => expectObservable(cold('a').pipe(delay(2))).toBe('-a'))
    expect(wrong).toThrow('deep')
  })
})

describe('a record', () => {
  it('has an origin of its own', () => {
    expect(a.origin).not.toEqual(b.origin)
    expect(record(1, { key: 'k', origin: { topic: 'other', offset: 7n } })).toMatchObject({
      key: Buffer.from('k'),
      value: 1,
      origin: { source: 'in', topic: 'other', partition: 0, offset: 7n },
    })
  })
})
