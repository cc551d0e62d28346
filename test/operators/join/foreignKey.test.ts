import { describe, expect, it } from 'vitest'
import { runTopology } from '../../../src/testing/runTopology.ts'

const topology = (options = '') => `
name: p
sources: { orders: { topic: {} }, customers: { topic: {} } }
deadLetters: { retry: { attempts: 0 } }
streams:
  named:
    from: orders
    steps: [{ join: { stream: customers, foreignKey: record.customer, as: customer${options} } }]
    to: { topic: named }
`
const order = (name: string, customer: unknown) => ({ $key: name, $value: { customer } })
const result = (name: string, customer?: unknown) => ({
  $key: name,
  $value: customer === undefined ? {} : { customer },
})
const values = {
  a: order('a', 'ann'),
  A: order('a', 'bob'),
  b: order('b', 'ann'),
  d: { $key: 'a', $raw: null },
  k: { $key: 'ann', $value: 'Ann' },
  K: { $key: 'ann', $value: 'Anna' },
  x: { $key: 'ann', $raw: null },
  l: { $key: 'bob', $value: 'Bob' },
  p: result('a', 'Ann'),
  P: result('a', 'Anna'),
  q: result('b', 'Ann'),
  Q: result('b', 'Anna'),
  r: result('a', 'Bob'),
  s: result('a'),
  t: result('b'),
  z: { $key: 'a', $raw: null },
  y: { $key: 'b', $raw: null },
}

const given = { orders: 'a-b---------A-d-|', customers: '-k-K----x----l--|' }

describe('a join by foreign key', () => {
  it('gives new results with a change of either side, and takes back those that are no more', async () => {
    const { conservation } = await runTopology(topology(), {
      given,
      values,
      expect: { named: '-pq(PQ)-(zy)-rz-|' },
    })
    const row = { dropped: 0, dead: 0, inFlight: 0 }
    expect(conservation).toEqual([
      { ...row, source: 'orders', stream: 'named', read: 4, emitted: 4 },
      { ...row, source: 'p-named-join-response', stream: 'named', read: 8, emitted: 8 },
      { ...row, source: 'customers', stream: 'named.join', read: 4, emitted: 4 },
      { ...row, source: 'p-named-join-subscription', stream: 'named.join', read: 5, emitted: 5 },
    ])
  })

  it('lets records leave alone that refer to none, where it may', async () => {
    await runTopology(topology(', type: left'), { given, values, expect: { named: 'spq(PQ)-(st)srz-|' } })
  })

  it.each(['afterProduce', 'afterState'] as const)(
    'comes to the same end after a crash, %s, of any of its units',
    async (crash) => {
      for (let unit = 1; unit <= 12; unit++) {
        const { captured } = await runTopology(`${topology()}guarantee: atLeastOnce`, {
          given: { orders: 'a-b-A-|', customers: '-k--l-K|' },
          values,
          faults: [{ crash, unit }],
        })
        const last = new Map(captured.get('named')!.map(({ key, value }) => [String(key), value]))
        expect([...last.values()]).toEqual([{ customer: 'Bob' }, { customer: 'Anna' }])
      }
    },
  )

  it('refuses a record without a foreign key, which stays what it was, or lets it go, or leave alone', async () => {
    const more = {
      n: order('a', null),
      f: { ...order('a', null), $fault: 'record.no_key', $operator: 'named.join' },
    }
    const test = { given: { orders: 'a-n--|', customers: '-k-K-|' }, values: { ...values, ...more } }
    await runTopology(topology(), { ...test, expect: { named: '-p-P-|', 'dlq.orders': '--f--|' } })
    await runTopology(topology(', keyless: drop'), { ...test, expect: { named: '-pz--|' } })
    await runTopology(topology(', type: left, keyless: keep'), {
      ...test,
      expect: { named: 'sps--|' },
    })
  })

  it('dead-letters what fails after it as the record that brought the result', async () => {
    const failing = topology().replace('} }]', '} }, { filter: record.customer.size() > 3 }]')
    await runTopology(failing, {
      given: { orders: 'a---|', customers: '-wW-|' },
      values: {
        ...values,
        w: { $key: 'ann', $value: 7 },
        W: { $key: 'ann', $value: 'Anna' },
        f: { $key: 'ann', $value: 7, $fault: 'expression.failed', $operator: 'named.filter' },
      },
      expect: { named: '--P-|', 'dlq.customers': '-f--|' },
    })
  })

  it('joins a stream with itself, as with anything else', async () => {
    const yaml = `
name: p
sources: { staff: { topic: {} } }
streams: { led: { from: staff, steps: [{ join: { stream: staff, foreignKey: record.boss, as: boss } }], to: { topic: led } } }
`
    const { captured, conservation } = await runTopology(yaml, {
      given: { staff: 'abc|' },
      values: {
        a: { $key: 'a', $value: { boss: 'b' } },
        b: { $key: 'b', $value: { boss: 'b', name: 'B' } },
        c: { $key: 'b', $value: { boss: 'b', name: 'C' } },
      },
    })
    const last = new Map(captured.get('led')!.map(({ key, value }) => [String(key), value]))
    expect(Object.fromEntries(last)).toEqual({
      a: { boss: { boss: 'b', name: 'C' } },
      b: { boss: { boss: 'b', name: 'C' }, name: 'C' },
    })
    expect(conservation.filter(({ source }) => source === 'staff')).toMatchObject([{ read: 3 }, { read: 3 }])
  })
})
