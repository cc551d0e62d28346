import { describe, expect, it } from 'vitest'
import { runTopology } from '../../../src/testing/runTopology.ts'

const topology = (join: string): string => `
name: p
sources: { bids: { topic: {} }, asks: { topic: {} } }
deadLetters: { retry: { attempts: 0 } }
streams:
  deals: { from: bids, steps: [{ join: ${join} }], to: { topic: deals } }
`
const key = { $key: 'k' }
const values = {
  a: { ...key, $value: { bid: 1 } },
  b: { ...key, $value: { bid: 2 } },
  c: { ...key, $value: { ask: 7 } },
  z: { $value: { bid: 3 } },
  x: { ...key, $value: { bid: 1, ask: { ask: 7 } } },
  y: { ...key, $value: { bid: 2, ask: { ask: 7 } } },
  p: { ...key, $value: { bid: 1 }, $timestamp: '2026-01-01T00:00:00.000Z' },
  o: { ...key, $value: { ask: { ask: 7 } } },
  t: { ...key, $value: { bid: 9 }, $timestamp: '2026-01-01T00:00:00Z' },
  f: { ...key, $value: { bid: 9 }, $fault: 'record.late', $operator: 'deals.join' },
  g: { $value: { bid: 3 }, $fault: 'record.no_key', $operator: 'deals.join' },
}

describe('a topology with a join', () => {
  it('gives pairs as soon as both are there', async () => {
    await runTopology(topology('{ stream: asks, within: 1m, as: ask }'), {
      given: { bids: 'a 30s - 59s - 10s b|', asks: '- 30s c 59s - 10s -|' },
      values,
      expect: { deals: '- 30s x 59s - 10s -|' },
    })
  })

  it('lets what met none leave with the first record behind its window', async () => {
    await runTopology(topology('{ stream: asks, within: 1m, type: left, as: ask }'), {
      given: { bids: 'a 59999ms b----|', asks: '- 59999ms -c---|' },
      values,
      expect: { deals: '- 59999ms -(py)|' },
    })
  })

  it('of either side, where both may leave alone', async () => {
    await runTopology(topology('{ stream: asks, within: { before: 0s, after: 10s }, type: outer, as: ask }'), {
      given: { bids: '- 20s b|', asks: 'c 20s -|' },
      values,
      expect: { deals: '- 20s o|' },
    })
  })

  it('dead-letters what is late, or has no key', async () => {
    const { conservation } = await runTopology(topology('{ stream: asks, within: 1m, grace: 1m, as: ask }'), {
      given: { bids: 'a 4m atz|', asks: '- 4m ---|' },
      values: { ...values, t: { ...values.t, $timestamp: '2026-01-01T00:01:00.001Z' } },
      expect: { deals: '- 4m ---|', 'dlq.bids': '- 4m -fg|' },
    })
    expect(conservation).toContainEqual(
      expect.objectContaining({ source: 'bids', read: 4, emitted: 2, dropped: 0, dead: 2 }),
    )
  })

  it('tells of what met none, where it is asked for, once its window is closed', async () => {
    const options = 'stream: asks, within: 10s, as: ask, missing: deadLetter, otherMissing: drop'
    const { conservation, captured } = await runTopology(topology(`{ ${options} }`), {
      given: { bids: 'a 30s b---|', asks: 'd 30s c---|' },
      values: {
        ...values,
        d: { $key: 'other', $value: { ask: 8 } },
        m: { ...values.a, $fault: 'join.missed', $operator: 'deals.join' },
      },
      expect: { deals: '- 30s y---|', 'dlq.bids': '- 30s m---|' },
    })
    expect(conservation.filter(({ source }) => source === 'deals.join')).toEqual([
      { source: 'deals.join', stream: 'deals', read: 2, emitted: 0, dropped: 1, dead: 1, inFlight: 0 },
    ])
    expect(captured.get('dlq.bids')?.[0]?.failure?.message).toBe(
      "No record of asks with the record's key came within the window.",
    )
  })

  it('takes the latest of both sides, and passes tombstones on', async () => {
    await runTopology(topology('{ stream: asks, latest: true, type: left, as: ask }'), {
      given: { bids: 'a--bn|', asks: '-cn--|' },
      values: { ...values, n: { ...key, $raw: null } },
      expect: { deals: 'axabn|' },
    })
  })

  it('looks up a table that another stream keeps', async () => {
    const yaml = `
name: p
sources: { products: { topic: {} }, orders: { topic: {} } }
streams:
  catalog: { from: products, to: { table: catalog } }
  priced: { from: orders, steps: [{ keyBy: record.id }, { join: { table: catalog, as: product } }], to: { topic: out } }
`
    await runTopology(yaml, {
      given: { orders: 'a-a-a|', products: '-p-n-|' },
      values: {
        a: { id: 'k' },
        p: { ...key, $value: { name: 'oar' } },
        n: { ...key, $raw: null },
        x: { ...key, $value: { id: 'k', product: { name: 'oar' } } },
      },
      expect: { out: '--x--|' },
    })
  })
})
