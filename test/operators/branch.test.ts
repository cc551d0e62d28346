import { describe, expect, it } from 'vitest'
import { ExpressionFault } from '../../src/component/expression.ts'
import { branch } from '../../src/operators/branch.ts'
import { drop, emitTo, fail } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('branch', () => {
  const conditions = { cheap: 'record.price < 0.5', fair: 'record.price < 0.9' }
  const a = record({ price: 0.1 })
  const b = record({ price: 0.7 })
  const c = record({ price: 1 })

  it(
    'takes the first branch that fits',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  a-b-c|', { a, b, c })
      const expected = '     x-y-z|'

      expectObservable(source.pipe(branch.over({ ...conditions, else: 'dear' }, context()))).toBe(expected, {
        x: emitTo('cheap', a),
        y: emitTo('fair', b),
        z: emitTo('dear', c),
      })
    }),
  )

  it(
    'drops what fits none, fails what cannot be asked, and carries on',
    marbles(({ cold, expectObservable }) => {
      const x = record({ price: null })
      const source = cold('  c-x-a|', { a, c, x })
      const expected = '     d-f-e|'

      expectObservable(source.pipe(branch.over(conditions, context()))).toBe(expected, {
        d: drop(c, 'no branch'),
        f: fail(x, new ExpressionFault('record.price < 0.5', 'record.price is null, expected a number')),
        e: emitTo('cheap', a),
      })
    }),
  )

  it('names its branches', () => {
    expect(branch.branches!(branch.config.parse({ ...conditions, else: 'dear' }))).toEqual(['cheap', 'fair', 'dear'])
  })

  it.each([
    [{ else: 'x' }, 'expected at least one branch with a condition'],
    [{ x: 'true', else: 'x' }, 'a branch with a condition has that name'],
    [{ '1st': 'true' }, 'expected the name of a branch: a letter, then letters, digits, _ and -'],
  ])('refuses %j', (config, message) => {
    expect(branch.config.safeParse(config).error?.issues[0]?.message).toBe(message)
  })
})
