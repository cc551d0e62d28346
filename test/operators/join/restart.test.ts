import { describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import { join } from '../../../src/operators/join.ts'
import {
  append,
  catalogWith,
  letterHeaders,
  output,
  recordsOf,
  startPipeline,
  valuesOf,
} from '../../support/pipeline.ts'

const catalog = catalogWith({ operators: [join] })
const yamlOf = (options: string) => `
name: p
sources: { bids: { topic: {} }, asks: { topic: {} } }
deadLetters: { retry: { attempts: 0 } }
streams: { deals: { from: bids, steps: [{ join: { stream: asks, as: ask, ${options} } }], to: { topic: out } } }
`

/** Appends records one after another, the pipeline started anew before each. */
async function inTurn(yaml: string, broker: Broker, ...records: Parameters<typeof output>[]) {
  let rows: unknown
  for (const record of records) {
    const { pipeline } = await startPipeline(yaml, catalog, { broker })
    await append(broker, [output(...record)])
    await pipeline.quiet()
    rows = await pipeline.conservation()
    await pipeline.stop()
  }
  return rows
}

const at = (timestamp: number, key = 'k') => ({ timestamp, key: Buffer.from(key) })
const bid = { bid: 1 }

describe('a join, over restarts', () => {
  it('meets what came before', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    await inTurn(
      yamlOf('within: 10s'),
      broker,
      ['bids', bid, at(1_000)],
      ['asks', 7, at(11_000)],
      ['bids', bid, at(9_000)],
    )
    expect(await valuesOf(broker, 'out')).toEqual([
      { bid: 1, ask: 7 },
      { bid: 1, ask: 7 },
    ])
  })

  it('lets go of what met none', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    await inTurn(yamlOf('within: 10s, type: left'), broker, ['bids', bid, at(1_000)], ['asks', 7, at(20_000, 'z')])
    expect(await recordsOf(broker, 'out')).toMatchObject([{ key: Buffer.from('k'), timestamp: 1_000 }])
  })

  it('knows the latest', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    await inTurn(yamlOf('latest: true'), broker, ['bids', bid, at(1)], ['asks', 7, at(2)], ['asks', null, at(3)])
    expect((await recordsOf(broker, 'out')).map(({ value }) => value?.toString())).toEqual([
      '{"bid":1,"ask":7}',
      undefined,
    ])
  })

  it('dead-letters what it missed as it came, once, with its own origin', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    const yaml = yamlOf('within: 10s, missing: deadLetter, otherMissing: drop')
    const rows = await inTurn(
      yaml,
      broker,
      ['bids', { bid: 0 }, at(1_000, 'first')],
      ['bids', bid, { ...at(1_000), headers: [['trace', Buffer.from('abc')]] }],
      ['asks', 7, at(1_000, 'other')],
      ['asks', 8, at(1_500, 'first')],
      ['asks', 9, at(20_000, 'z')],
      ['asks', 9, at(20_000, 'z')],
    )
    const letters = await recordsOf(broker, 'dlq.bids')
    expect(letters).toMatchObject([{ key: Buffer.from('k'), value: Buffer.from(JSON.stringify(bid)) }])
    expect(letters[0]!.headers).toContainEqual(['trace', Buffer.from('abc')])
    expect(letterHeaders(letters[0]!.headers)).toMatchObject({
      operator: 'deals.join',
      'fault.code': 'join.missed',
      'origin.topic': 'bids',
      'origin.offset': '1',
    })
    expect(rows).toContainEqual({
      source: 'deals.join',
      stream: 'deals',
      read: 2,
      emitted: 0,
      dropped: 1,
      dead: 1,
      inFlight: 0,
    })
  })

  it('by a foreign key knows who refers to whom, and what it told', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    await inTurn(
      yamlOf('foreignKey: record.of'),
      broker,
      ['asks', 7, at(1_000, 'x')],
      ['bids', { of: 'x' }, at(2_000)],
      ['asks', 8, at(3_000, 'x')],
      ['bids', { of: 'y' }, at(4_000)],
      ['asks', 9, at(5_000, 'x')],
      ['asks', 1, at(6_000, 'y')],
      ['bids', null, at(7_000)],
    )
    expect(await valuesOf(broker, 'out')).toEqual([
      { of: 'x', ask: 7 },
      { of: 'x', ask: 8 },
      null,
      { of: 'y', ask: 1 },
      null,
    ])
  })
})
