import { describe, it } from 'vitest'
import { delay } from '../../src/operators/delay.ts'
import { emit } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('delay', () => {
  const a = record(1)
  const b = record(2)

  it(
    'lets records out later, in order, the last ones after the end of the source',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  a-b-|', { a, b })
      const expected = '     --- 97ms a-(b|)'

      expectObservable(source.pipe(delay.over({ for: '100ms' }, context()))).toBe(expected, { a: emit(a), b: emit(b) })
    }),
  )

  it(
    'abandons what it holds when unsubscribed',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  a-b-|', { a, b })
      const unsubscribe = '  ---!'

      expectObservable(source.pipe(delay.over({ for: '2ms' }, context())), unsubscribe).toBe('--a-', { a: emit(a) })
      expectSubscriptions(source.subscriptions).toBe('^--!')
    }),
  )
})
