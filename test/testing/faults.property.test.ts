import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runTopology } from '../../src/testing/index.ts'

const config = (guarantee: string) => `
name: shop
guarantee: ${guarantee}
sources: { orders: { topic: {} } }
streams:
  totals:
    from: orders
    steps:
      - keyBy: record.product
      - aggregate: { into: { orders: count, total: { sum: record.price } } }
    to:
      - topic: totals
      - table: totals
`

interface Order {
  readonly product: string
  readonly price: number
}

interface Total {
  readonly orders: number
  readonly total: number
}

const order = fc.record({ product: fc.constantFrom('oar', 'net'), price: fc.integer({ min: 1, max: 9 }) })
const moment = fc.constantFrom('beforeProduce', 'afterProduce', 'afterState', 'afterCommit')

/** Orders, those of them that fail, how often the dead-letter topic refuses, and where the process crashes. */
const course = fc.array(order, { minLength: 1, maxLength: 8 }).chain((orders) => {
  const number = fc.integer({ min: 1, max: orders.length })
  return fc.record({
    orders: fc.constant(orders),
    failing: fc.uniqueArray(number, { maxLength: 3 }),
    refusals: fc.integer({ min: 0, max: 2 }),
    crashes: fc.array(fc.record({ crash: moment, unit: number }), { maxLength: 2 }),
  })
})

type Course = typeof course extends fc.Arbitrary<infer T> ? T : never

function run(guarantee: string, { orders, failing, refusals, crashes }: Course) {
  const letters = 'abcdefgh'.slice(0, orders.length)
  return runTopology(config(guarantee), {
    given: { orders: `${letters}|` },
    values: Object.fromEntries(orders.map((order, at) => [letters[at]!, order])),
    faults: [
      ...(failing.length > 0 ? [{ operator: 'totals.aggregate', record: failing }] : []),
      ...(failing.length > 0 && refusals > 0 ? [{ deadLetters: 'dlq.orders', times: refusals }] : []),
      // Crashes at one unit would be one crash.
      ...crashes.filter(({ unit }, at) => crashes.findIndex((other) => other.unit === unit) === at),
    ],
  })
}

/** What each order leaves, one after another, where those that fail leave nothing. */
function results(orders: readonly Order[], failing: readonly number[]): { readonly product: string; total: Total }[] {
  const totals = new Map<string, Total>()
  return orders.flatMap(({ product, price }, at) => {
    if (failing.includes(at + 1)) return []
    const { orders: count, total } = totals.get(product) ?? { orders: 0, total: 0 }
    totals.set(product, { orders: count + 1, total: total + price })
    return [{ product, total: totals.get(product)! }]
  })
}

it('exactly once, whatever fails leaves each result once, each dead letter once, and the table as it is to be', async () => {
  await fc.assert(
    fc.asyncProperty(course, async (each) => {
      const { captured, tables } = await run('exactlyOnce', each)
      const expected = results(each.orders, each.failing)
      const found = captured.get('totals')!.map(({ key, value }) => ({ product: String(key), total: value }))
      expect(found).toEqual(expected)
      const rows = [...tables.get('totals')!].map(([product, { value }]) => [product, value])
      expect(Object.fromEntries(rows)).toEqual(
        Object.fromEntries(expected.map(({ product, total }) => [product, total])),
      )
      const dead = captured.get('dlq.orders')!.map(({ failure }) => Number(failure!.origin.split('/')[1]) + 1)
      expect(dead).toEqual(each.failing.toSorted((a, b) => a - b))
    }),
    { numRuns: 40 },
  )
})

it('at least once, whatever fails loses no result and no dead letter', async () => {
  await fc.assert(
    fc.asyncProperty(course, async (each) => {
      const { captured } = await run('atLeastOnce', each)
      const dead = captured.get('dlq.orders')!.map(({ failure }) => Number(failure!.origin.split('/')[1]) + 1)
      expect(new Set(dead)).toEqual(new Set(each.failing))
      const most = Math.max(0, ...captured.get('totals')!.map(({ value }) => (value as Total).orders))
      const least = Math.max(0, ...results(each.orders, each.failing).map(({ total }) => total.orders))
      expect(most).toBeGreaterThanOrEqual(least)
    }),
    { numRuns: 40 },
  )
})
