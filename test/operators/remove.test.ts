import { describe, expect, it } from 'vitest'
import { remove } from '../../src/operators/remove.ts'
import { emit } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('remove', () => {
  it(
    'removes fields from a copy',
    marbles(({ cold, expectObservable, flush }) => {
      const a = record({ user: { id: 1, email: 'e' }, ip: 'i', list: [1, 2, 3] })
      const b = record('text')

      expectObservable(
        cold('a-b|', { a, b }).pipe(remove.over(['user.email', 'ip', 'list.1', 'no.such'], context())),
      ).toBe('e-f|', { e: emit(a, withValue(a, { user: { id: 1 }, list: [1, 3] })), f: emit(b) })
      flush()
      expect(a.value).toEqual({ user: { id: 1, email: 'e' }, ip: 'i', list: [1, 2, 3] })
    }),
  )
})
