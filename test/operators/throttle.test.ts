import { describe, expect, it } from 'vitest'
import { memoryState } from '../../src/component/state.ts'
import { throttle } from '../../src/operators/throttle.ts'
import { ExpressionFault } from '../../src/component/expression.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('throttle', () => {
  const a = record({ market: 'a' })
  const b = record({ market: 'b' })

  it(
    'lets the limit through in each span',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  aaa 997ms aaa|', { a })
      const expected = '     eed 997ms eed|'

      expectObservable(source.pipe(throttle.over({ limit: 2, per: '1s' }, context()))).toBe(expected, {
        e: emit(a),
        d: drop(a, 'throttled'),
      })
    }),
  )

  it(
    'counts each value apart',
    marbles(({ cold, expectObservable }) => {
      const x = record({})
      const source = cold('  abxab|', { a, b, x })
      const expected = '     efxdg|'

      expectObservable(source.pipe(throttle.over({ limit: 1, per: '1s', by: 'record.market' }, context()))).toBe(
        expected,
        {
          e: emit(a),
          f: emit(b),
          x: fail(x, new ExpressionFault('record.market', 'record.market is missing; has(record.market) asks first')),
          d: drop(a, 'throttled'),
          g: drop(b, 'throttled'),
        },
      )
    }),
  )

  it(
    'goes on counting after a restart',
    marbles(({ cold, expectObservable }) => {
      const state = memoryState()
      const once = () => throttle.over({ limit: 1, per: '1s' }, context({ state }))

      expectObservable(cold('a|', { a }).pipe(once())).toBe('e|', { e: emit(a) })
      expectObservable(cold('-a|', { a }).pipe(once())).toBe('-d|', { d: drop(a, 'throttled') })
    }),
  )

  it(
    'forgets the spans that have ended',
    marbles(({ cold, flush }) => {
      const state = memoryState()
      const values = Object.fromEntries('abcdef'.split('').map((market) => [market, record({ market })]))
      cold('abcde 2s f', values)
        .pipe(throttle.over({ limit: 1, per: '1s', by: 'record.market' }, context({ state })))
        .subscribe()
      flush()
      expect([...state.entries()]).toHaveLength(1)
    }),
  )
})
