import { describe, expect, it } from 'vitest'
import { rename } from '../../src/operators/rename.ts'
import { MissingFieldFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('rename', () => {
  const a = record({ bid: 2, ask: 1, note: null })

  it(
    'moves fields, all at once',
    marbles(({ cold, expectObservable, flush }) => {
      expectObservable(
        cold('a|', { a }).pipe(rename.over({ bid: 'ask', ask: 'bid', note: 'meta.note' }, context())),
      ).toBe('e|', { e: emit(a, withValue(a, { bid: 1, ask: 2, meta: { note: null } })) })
      flush()
      expect(a.value).toEqual({ bid: 2, ask: 1, note: null })
    }),
  )

  it(
    'fails a record without the field, and carries on',
    marbles(({ cold, expectObservable }) => {
      const x = record({ ask: 1 })

      expectObservable(cold('x-a|', { x, a }).pipe(rename.over({ bid: 'price' }, context()))).toBe('f-e|', {
        f: fail(x, new MissingFieldFault('bid')),
        e: emit(a, withValue(a, { ask: 1, note: null, price: 2 })),
      })
    }),
  )

  it('refuses two fields with one new name', () => {
    expect(rename.config.safeParse({ a: 'c', b: 'c' }).error?.issues[0]?.message).toBe('two fields get the same name')
  })
})
