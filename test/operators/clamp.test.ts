import { describe, expect, it } from 'vitest'
import { NotANumberFault, clamp } from '../../src/operators/clamp.ts'
import { MissingFieldFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { faultOf, verdicts } from '../support/outcomes.ts'
import { record } from '../support/records.ts'

describe('clamp', () => {
  it(
    'moves a number to the nearest end, fails what is none, and carries on',
    marbles(({ cold, expectObservable }) => {
      const high = record({ price: 1.7 })
      const fine = record({ price: 0.4 })
      const text = record({ price: '0.4' })
      const none = record({})
      const source = cold('  a-b-c-d|', { a: high, b: fine, c: text, d: none })
      const expected = '     v-w-x-y|'

      expectObservable(source.pipe(clamp.over({ field: 'price', min: 0, max: 1 }, context()))).toBe(expected, {
        v: emit(high, withValue(high, { price: 1 })),
        w: emit(fine),
        x: fail(text, new NotANumberFault('price', '0.4')),
        y: fail(none, new MissingFieldFault('price')),
      })
    }),
  )

  it('clamps every field of a list and leaves the rest of the value as it was', async () => {
    const given = { bid: -1, ask: 3, depth: { best: 9 } }

    expect(
      await verdicts(clamp.over({ field: ['bid', 'ask', 'depth.best'], min: 0, max: 2 }, context()), given),
    ).toEqual([[{ bid: 0, ask: 2, depth: { best: 2 } }]])
    expect(given).toEqual({ bid: -1, ask: 3, depth: { best: 9 } })
  })

  it('knows the ends themselves, infinities and NaN', async () => {
    const over = clamp.over({ field: 'n', min: 0, max: 1 }, context())

    expect(await verdicts(over, { n: 0 }, { n: 1 }, { n: Infinity }, { n: -Infinity }, { n: NaN })).toEqual([
      [{ n: 0 }],
      [{ n: 1 }],
      [{ n: 1 }],
      [{ n: 0 }],
      'fail value.not_a_number',
    ])
  })

  it('says the type of what is no number, not its value', async () => {
    expect(await faultOf(clamp.over({ field: 'n', min: 0 }, context()), { n: 'secret' })).toBe(
      '"n" is string, not a number; "parse" reads a number out of text.',
    )
  })

  it.each([
    [{ field: 'n' }, 'expected "min", "max" or both'],
    [{ field: 'n', min: 2, max: 1 }, 'expected "min" to be no higher than "max"'],
    [{ field: [], min: 2 }, 'Too small: expected array to have >=1 items'],
    [{ field: 'n', min: 2, maximum: 3 }, 'Unrecognized key: "maximum"'],
  ])('refuses the config %j', (config, message) => {
    expect(clamp.config.safeParse(config).error?.issues).toEqual([expect.objectContaining({ message })])
  })
})
