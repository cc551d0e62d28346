import { describe, expect, it } from 'vitest'
import { runTopology } from '../../../src/testing/runTopology.ts'

const config = (join: string, more = ''): string => `
name: p
sources: { bids: { topic: {} }, asks: { topic: {} } }
deadLetters: { retry: { attempts: 0 } }
streams:
  deals:
    from: bids
    steps:
      - join: { stream: asks, within: 1m, grace: 30s, idle: 5m, as: ask, ${join} }
      ${more}
    to: { topic: deals }
`
const at = '2026-01-01T00:00:00Z'
const key = { $key: 'k' }
const values = {
  a: { ...key, $value: { bid: 1 } },
  c: { ...key, $value: 7 },
  p: { ...key, $value: { bid: 1 }, $timestamp: at },
  o: { ...key, $value: { ask: 7 }, $timestamp: at },
}

describe('a windowed join with idle', () => {
  it('lets a record that met none leave by the clock, that long after its window and grace', async () => {
    const { conservation } = await runTopology(config('type: left'), {
      at,
      given: { bids: 'a' },
      values,
      expect: { deals: '390001ms p' },
    })
    expect(conservation).toMatchObject([
      { source: 'bids', read: 1, emitted: 1, inFlight: 0 },
      { source: 'deals.join', read: 1, emitted: 1, inFlight: 0 },
    ])
  })

  it('lets one of the other stream leave so, too', async () => {
    await runTopology(config('type: outer'), { at, given: { asks: 'c' }, values, expect: { deals: '390001ms o' } })
  })

  it('waits as long as records of either stream come', async () => {
    await runTopology(config('type: left'), {
      at,
      given: { bids: 'a', asks: '4m b 4m b' },
      values: { ...values, b: { $key: 'other', $value: 1, $timestamp: at } },
      expect: { deals: '780001ms p' },
    })
  })

  it('lets nothing leave that met one', async () => {
    const met = { ...key, $value: { bid: 1, ask: 7 } }
    await runTopology(config('type: left'), {
      at,
      given: { bids: 'a 9m -|', asks: '-c' },
      values: { ...values, m: met },
      expect: { deals: '-m' },
    })
  })

  it('lets what comes for a time that the clock has passed leave at once', async () => {
    await runTopology(config('type: left'), {
      at,
      given: { bids: 'a 7m b' },
      values: { ...values, b: { ...values.a, $timestamp: at } },
      expect: { deals: '390001ms p 29999ms p' },
    })
  })

  it('ends what was missed by the clock', async () => {
    await runTopology(config('missing: deadLetter'), {
      at,
      given: { bids: 'a' },
      values: { ...values, f: { ...key, $value: { bid: 1 }, $fault: 'join.missed' } },
      expect: { 'dlq.bids': '390001ms f' },
    })
  })

  it('dead-letters what leaves so and fails, as it came, with its own origin', async () => {
    const { captured } = await runTopology(
      config('type: left', '- validate: { schema: { properties: { bid: { type: string } } } }'),
      {
        at,
        given: { bids: '(ba)', asks: '-c' },
        values: {
          ...values,
          b: { $key: 'other', $value: { bid: 'text' }, $timestamp: at },
          c: { $key: 'third', $value: 7 },
          f: { ...key, $value: { bid: 1 }, $fault: 'record.invalid' },
        },
        expect: { deals: '390001ms b', 'dlq.bids': '390001ms f' },
      },
    )
    expect(captured.get('dlq.bids')![0]!.failure!.origin).toBe('0/1')
  })
})
