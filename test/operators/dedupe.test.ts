import { describe, expect, it } from 'vitest'
import { ExpressionFault } from '../../src/component/expression.ts'
import { memoryState } from '../../src/component/state.ts'
import { dedupe } from '../../src/operators/dedupe.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('dedupe', () => {
  const a = record({ id: 1 })
  const b = record({ id: 1 })
  const c = record({ id: '1' })
  const by = 'record.id'

  it(
    'drops a duplicate until its time has passed',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  a-b 4s b|', { a, b })
      const expected = '     e-d 4s f|'

      expectObservable(source.pipe(dedupe.over({ by, within: '4s' }, context()))).toBe(expected, {
        e: emit(a),
        d: drop(b, 'duplicate'),
        f: emit(b),
      })
    }),
  )

  it(
    'counts from the first sighting, not from the last',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  a 2s b 2s b|', { a, b })
      const expected = '     e 2s d 2s f|'

      expectObservable(source.pipe(dedupe.over({ by, within: '4s' }, context()))).toBe(expected, {
        e: emit(a),
        d: drop(b, 'duplicate'),
        f: emit(b),
      })
    }),
  )

  it(
    'tells a number from its text',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a-c|', { a, c }).pipe(dedupe.over({ by }, context()))).toBe('e-f|', {
        e: emit(a),
        f: emit(c),
      })
    }),
  )

  it(
    'lets a retried or redriven record through, but not its brother',
    marbles(({ cold, expectObservable }) => {
      const brother = { ...a, index: '.1' }
      const source = cold('  a-a-b|', { a, b: brother })
      const expected = '     e-e-d|'

      expectObservable(source.pipe(dedupe.over({ by }, context()))).toBe(expected, {
        e: emit(a),
        d: drop(brother, 'duplicate'),
      })
    }),
  )

  it(
    'fails a record without identity, and carries on',
    marbles(({ cold, expectObservable }) => {
      const x = record({})
      const y = record({ id: null })
      const source = cold('  x-y-a|', { x, y, a })
      const expected = '     f-g-e|'

      expectObservable(source.pipe(dedupe.over({ by }, context()))).toBe(expected, {
        f: fail(x, new ExpressionFault(by, 'record.id is missing; has(record.id) asks first')),
        g: fail(y, new ExpressionFault(by, 'gives null, which identifies no record')),
        e: emit(a),
      })
    }),
  )

  it(
    'remembers over a restart',
    marbles(({ cold, expectObservable }) => {
      const state = memoryState()
      const once = () => dedupe.over({ by, within: '4s' }, context({ state }))

      expectObservable(cold('a|', { a }).pipe(once())).toBe('e|', { e: emit(a) })
      expectObservable(cold('-b|', { b }).pipe(once())).toBe('-d|', { d: drop(b, 'duplicate') })
    }),
  )

  it(
    'keeps little more than what its time spans',
    marbles(({ cold, flush }) => {
      const state = memoryState()
      const values = Object.fromEntries('abcdefghij'.split('').map((name) => [name, record({ id: name })]))
      cold('a 1s b 1s c 1s d 1s e 1s f 1s g 1s h 1s i 1s j', values)
        .pipe(dedupe.over({ by, within: '2s' }, context({ state })))
        .subscribe()
      flush()
      expect([...state.entries()]).toHaveLength(2 * 2)
    }),
  )
})
