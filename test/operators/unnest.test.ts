import { describe, expect, it } from 'vitest'
import { NotAListFault } from '../../src/component/elements.ts'
import { unnest } from '../../src/operators/unnest.ts'
import { MissingFieldFault } from '../../src/record/fault.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { nth } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('unnest', () => {
  const a = record({ id: 1, order: { items: ['x', 'y'] } })

  it(
    'keeps the fields around the list',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a|', { a }).pipe(unnest.over('order.items', context()))).toBe('e|', {
        e: emit(a, nth(a, 0, { id: 1, order: { items: 'x' } }), nth(a, 1, { id: 1, order: { items: 'y' } })),
      })
    }),
  )

  it(
    'puts the element under another path',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a|', { a }).pipe(unnest.over({ field: 'order.items', as: 'item' }, context()))).toBe(
        'e|',
        {
          e: emit(a, nth(a, 0, { id: 1, order: {}, item: 'x' }), nth(a, 1, { id: 1, order: {}, item: 'y' })),
        },
      )
    }),
  )

  it(
    'drops an empty list, fails what is no list, and carries on',
    marbles(({ cold, expectObservable }) => {
      const b = record({ list: [] })
      const x = record({})
      const y = record({ list: null })
      const z = record({ list: [1] })

      expectObservable(cold('bxyz|', { b, x, y, z }).pipe(unnest.over('list', context()))).toBe('dfge|', {
        d: drop(b, 'empty list'),
        f: fail(x, new MissingFieldFault('list')),
        g: fail(y, new NotAListFault('The field "list"', null)),
        e: emit(z, nth(z, 0, { list: 1 })),
      })
    }),
  )

  it('takes a path, not an expression', () => {
    expect(unnest.config.safeParse('record.items').success).toBe(false)
  })
})
