import { describe, expect, it } from 'vitest'
import { NotAListFault } from '../../src/component/elements.ts'
import { flatMap } from '../../src/operators/flatMap.ts'
import { split } from '../../src/operators/split.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { nth } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { verdicts } from '../support/outcomes.ts'
import { record } from '../support/records.ts'

describe.each([split, flatMap])('$name', (operator) => {
  const a = record({ items: ['x', { y: 1 }] }, { index: '.3' })
  const over = () => operator.over('record.items', context())

  it(
    'makes a record of each element, told apart by its index',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a|', { a }).pipe(over())).toBe('e|', {
        e: emit(a, nth(a, 0, 'x'), nth(a, 1, { y: 1 })),
      })
    }),
  )

  it(
    'drops an empty list, fails what is no list, and carries on',
    marbles(({ cold, expectObservable }) => {
      const b = record({ items: [] })
      const x = record({ items: 'x' })

      expectObservable(cold('b-x-a|', { a, b, x }).pipe(over())).toBe('d-f-e|', {
        d: drop(b, 'empty list'),
        f: fail(x, new NotAListFault('"record.items"', 'x')),
        e: emit(a, nth(a, 0, 'x'), nth(a, 1, { y: 1 })),
      })
    }),
  )

  it('takes a list of any length', async () => {
    const items = Array.from({ length: 200_000 }, (_, n) => n)
    const [values] = await verdicts(over(), { items })
    expect(values).toHaveLength(items.length)
  })
})
