import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { aggregate } from '../../../src/operators/aggregate.ts'
import { context } from '../../support/context.ts'
import { verdicts } from '../../support/outcomes.ts'

type Field = z.input<typeof aggregate.config>['into'][string]

/** What a field is after each of these values. */
async function after(field: Field, ...values: readonly unknown[]): Promise<unknown[]> {
  const over = aggregate.over({ keyless: 'group', into: { field } }, context({ directory: import.meta.dirname }))
  const said = await verdicts(over, ...values)
  return said.map((verdict) => (typeof verdict === 'string' ? verdict : (verdict[0] as { field: unknown }).field))
}

const last = async (field: Field, ...values: readonly unknown[]): Promise<unknown> =>
  (await after(field, ...values)).at(-1)

describe('numbers', () => {
  const sum = { sum: 'record' } as const

  it('are summed to the last digit, in any order', async () => {
    expect(await last(sum, ...Array.from({ length: 10 }, () => 0.1))).toBe(1)
    expect(await last(sum, 1e100, 1, -1e100)).toBe(1)
    expect(await last(sum, 1, 1e16, 1, -1e16)).toBe(2)
    expect(await last(sum, 9007199254740991, 1, 1, -2)).toBe(9007199254740991)
  })

  it('may be written as text, as decimals are', async () => {
    expect(await after(sum, '.48', ' -1e1 ', '0.02')).toEqual([0.48, -9.52, -9.5])
  })

  it('are summed as the decimals that text writes', async () => {
    expect(await last(sum, '0.1', '0.2', '-0.3')).toBe(0)
    expect(await last({ average: 'record' }, '0.1', '0.2')).toBe(0.15)
    expect(await last(sum, '1e23', 0.5, '-1e23')).toBe(0.5)
    expect(await last(sum, '-3039298124154475.750', 787498310469228)).toBe(-2251799813685247.8)
    expect(await last(sum, ...Array.from({ length: 1_000 }, () => '0.001'), -1)).toBe(0)
    expect(await after(sum, '1.5e308', '1.5e308', -1e308)).toEqual([1.5e308, 'fail number.overflow', 5e307])
    expect(await last(sum, '1e-999999999', '.5')).toBe(0.5)
  })

  it('are none in other text, huge integers as text, true, lists and objects: the record fails, the sum goes on', async () => {
    const fails = 'fail number.unreadable'
    expect(await after(sum, 1, '1,5', '', '0x10', '9007199254740993', true, [1], { n: 1 }, NaN, Infinity, 2)).toEqual([
      1,
      ...Array.from({ length: 9 }, () => fails),
      3,
    ])
  })

  it('are passed over where they are null or nothing', async () => {
    const field = { average: 'record.?x' }
    expect(await after(field, {}, { x: 4 }, { x: null }, { x: 2 })).toEqual([null, 4, 4, 3])
  })

  it('beyond what a number holds fail the record', async () => {
    expect(await after(sum, 1e308, 1e308, -1e308)).toEqual([1e308, 'fail number.overflow', 0])
  })

  it('have no minus zero', async () => {
    for (const field of [sum, { average: 'record' }, { min: 'record' }, { max: 'record' }, { last: 'record * 1' }]) {
      expect(Object.is(await last(field, -0), 'last' in field ? -0 : 0)).toBe(true)
    }
  })
})

describe('functions', () => {
  it('count, all or those of a condition', async () => {
    expect(await after('count', 1, null, 'x')).toEqual([1, 2, 3])
    expect(await after({ count: 'record > 1' }, 1, 2, 'x', 3)).toEqual([0, 1, 'fail expression.failed', 2])
  })

  it('min and max', async () => {
    expect(await after({ min: 'record' }, 3, '2', 5)).toEqual([3, 2, 2])
    expect(await after({ max: 'record' }, 3, '2', 5)).toEqual([3, 3, 5])
    expect(await last({ min: 'record' }, null)).toBeNull()
  })

  it('first and last, of what is there; null is a value', async () => {
    expect(await after({ first: 'record.?x' }, {}, { x: null }, { x: 2 })).toEqual([null, null, null])
    expect(await after({ last: 'record.?x' }, { x: 1 }, {}, { x: { y: [2] } })).toEqual([1, 1, { y: [2] }])
  })

  it('collect, the first or the last of too many', async () => {
    expect(await last({ collect: 'record' }, 1, null, 'x')).toEqual([1, null, 'x'])
    expect(await last({ collect: { of: 'record', most: 2 } }, 1, 2, 3)).toEqual([1, 2])
    expect(await last({ collect: { of: 'record', most: 2, keep: 'last' } }, 1, 2, 3)).toEqual([2, 3])
  })

  it('top, by itself or by another number, the earlier of equals first', async () => {
    expect(await last({ top: { of: 'record', n: 2 } }, 1, 3, null, '2')).toEqual([3, 2])
    const field = { top: { of: 'record.t', by: 'record.n', n: 2 } }
    const given = [
      { t: 'a', n: 1 },
      { t: 'b', n: 2 },
      { t: 'c', n: 2 },
      { t: 'd', n: 1 },
    ]
    expect(await after(field, ...given)).toEqual([['a'], ['b', 'a'], ['b', 'c'], ['b', 'c']])
    expect(await last(field, { t: 'a', n: 'high' })).toBe('fail number.unreadable')
  })

  it('distinct, exactly, up to a bound', async () => {
    expect(await after({ distinct: 'record' }, 1, '1', 1, null, [2], [2])).toEqual([1, 2, 2, 2, 3, 3])
    const field = { distinct: { of: 'record', most: 2 } }
    expect(await after(field, 1, 2, 3, 2)).toEqual([1, 2, 'fail distinct.too_many', 2])
  })

  it('percentiles, within a hundredth, of any sign', async () => {
    const field = { percentiles: { of: 'record', at: [0, 50, 99.9, 100] } }
    expect(await last(field, null)).toEqual({ p0: null, p50: null, p99_9: null, p100: null })
    expect(await last(field, -7, 0, 100)).toEqual({ p0: -7, p50: 0, p99_9: 0, p100: 100 })
    const { p50 } = (await last(field, -7, -5, -3)) as { readonly p50: number }
    expect(p50).toBeCloseTo(-5, 1)
  })

  it('reduce by an expression over the total and a record', async () => {
    expect(await after({ reduce: { from: 1, with: 'total * record' } }, 2, 'x', 5)).toEqual([
      2,
      'fail expression.failed',
      10,
    ])
    expect(await last({ reduce: { from: { n: 0 }, with: '{n: total.n + record}' } }, 2, 3)).toEqual({ n: 5 })
  })
})

describe('an aggregate of the user', () => {
  it('adds to what it accumulated, and may change it in place', async () => {
    expect(await after({ use: './own/spread.ts' }, 1, 4, 3)).toEqual([0, 3, 3])
  })

  it('fails the record with what it throws, or gives that no state can keep', async () => {
    expect(await after({ use: './own/spread.ts' }, 1, 'x', 0, 4)).toEqual([
      0,
      'fail operator.threw',
      'fail aggregate.bad_result',
      3,
    ])
  })

  it('fails the record that leads to no result, not those that close its window', async () => {
    const config = { window: { tumbling: '10ms' }, at: 'record == 1 ? 50 : 5', emit: 'close' } as const
    const into = { spread: { use: './own/spread.ts' } }
    const over = aggregate.over({ ...config, keyless: 'group', into }, context({ directory: import.meta.dirname }))
    const [first, second, third, closing] = await verdicts(over, 95, 101, 99, 1)
    expect([first, second, third]).toEqual([[], 'fail operator.threw', []])
    expect(closing).toMatchObject([{ spread: 4 }])
  })

  it.each([
    ['./own/absent.ts', 'There is no file'],
    ['./own/empty.ts', 'it has no default export; expected "export default { initial, add'],
  ])('%s: %s', async (use, problem) => {
    const over = () => aggregate.over({ into: { field: { use } } }, context({ directory: import.meta.dirname }))
    expect(over).toThrow(problem)
  })
})
