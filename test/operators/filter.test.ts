import { describe, expect, it } from 'vitest'
import { ExpressionFault } from '../../src/component/expression.ts'
import { filter } from '../../src/operators/filter.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('filter', () => {
  const a = record({ price: 0.4 })
  const b = record({ price: 1.7 })

  it(
    'keeps what the condition holds for',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  a-b-a|', { a, b })
      const expected = '     e-d-e|'

      expectObservable(source.pipe(filter.over('record.price < 1', context()))).toBe(expected, {
        e: emit(a),
        d: drop(b, 'filtered'),
      })
    }),
  )

  it(
    'fails what the condition cannot be asked of, and carries on',
    marbles(({ cold, expectObservable }) => {
      const x = record({ price: '0.4' })
      const source = cold('  x-a|', { x, a })
      const expected = '     f-e|'

      expectObservable(source.pipe(filter.over('record.price < 1', context()))).toBe(expected, {
        f: fail(x, new ExpressionFault('record.price < 1', 'record.price is a string, expected a number')),
        e: emit(a),
      })
    }),
  )

  it(
    'fails a result that is not true or false',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a|', { a }).pipe(filter.over('record.price', context()))).toBe('f|', {
        f: fail(a, new ExpressionFault('record.price', 'gives a number, expected a boolean')),
      })
    }),
  )

  it(
    'knows the time of the scheduler',
    marbles(({ cold, expectObservable }) => {
      const early = record({ at: '1970-01-01T00:00:00Z' })
      const source = cold('  a 5s a|', { a: early })
      const expected = '     e 5s d|'

      expectObservable(source.pipe(filter.over("timestamp(record.at) > now - duration('3s')", context()))).toBe(
        expected,
        { e: emit(early), d: drop(early, 'filtered') },
      )
    }),
  )

  it('refuses a condition that can never be true or false', () => {
    expect(filter.config.safeParse("'en'").error?.issues[0]?.message).toMatch(/gives string, expected a condition/)
  })
})
