import { asyncScheduler, VirtualTimeScheduler } from 'rxjs'
import { expect, it } from 'vitest'
import type { Json } from '../../src/component/context.ts'
import type { SourceRecord } from '../../src/component/source.ts'
import { generate } from '../../src/sources/generate.ts'
import { clockAt, connect, drain, keyText, text } from './connect.ts'

const { signal } = new AbortController()
const start = '2026-01-08T00:00:00Z'
type Config = Parameters<typeof connect<typeof generate.config>>[1]

async function records(config: Config, from?: Json): Promise<readonly SourceRecord[]> {
  return (await drain(await connect(generate, config), from)).records
}

const broken = (record: SourceRecord): string | undefined => {
  try {
    const { price, market_slug } = JSON.parse(text(record)!) as { price: number; market_slug?: string }
    return price > 1 ? 'price' : market_slug === undefined ? 'missing' : undefined
  } catch {
    return 'json'
  }
}

it('gives the same records for the same seed, and others for another', async () => {
  const once = await records({ count: 500, poison: 0.2, start })
  expect(await records({ count: 500, poison: 0.2, start })).toEqual(once)
  expect((await records({ count: 500, poison: 0.2, start, seed: 2 })).map(text)).not.toEqual(once.map(text))
})

it('goes on from its cursor with the records that would have come', async () => {
  const all = await records({ count: 12_345, poison: 0.1, start })
  const connector = await connect(generate, { count: 12_345, poison: 0.1, start })
  const first = await connector.poll(undefined, signal)
  expect([...first.records, ...(await records({ count: 12_345, poison: 0.1, start }, first.cursor))]).toEqual(all)
  expect(first.records.length).toBeLessThan(all.length)
})

it('makes prices whose deltas fit the prices before', async () => {
  const last = new Map<string, number>()
  for (const record of await records({ count: 2_000, start })) {
    const { market_slug, outcome, price, price_delta, prev_price, event_time } = JSON.parse(text(record)!) as {
      [name: string]: number
    }
    const key = `${market_slug}|${outcome}`
    expect(keyText(record)).toBe(key)
    expect(price).toBeGreaterThanOrEqual(0)
    expect(price).toBeLessThanOrEqual(1)
    expect(price_delta).toBeCloseTo(price! - prev_price!, 6)
    expect(prev_price).toBe(last.get(key) ?? prev_price)
    expect(event_time).toMatch(/^2026-01-08T00:\d\d:\d\d\.000Z$/)
    last.set(key, price!)
  }
  expect(last.size).toBe(200)
})

it('makes events of about 230 bytes', async () => {
  const lengths = (await records({ count: 1_000 })).map(({ value }) => value!.length)
  const mean = lengths.reduce((sum, length) => sum + length) / lengths.length
  expect(mean).toBeGreaterThan(210)
  expect(mean).toBeLessThan(250)
})

it('breaks the share it was told to, in three ways', async () => {
  const kinds = (await records({ count: 20_000, poison: 0.05 })).map(broken)
  const share = (kind: string) => kinds.filter((found) => found === kind).length / kinds.length
  for (const kind of ['price', 'missing', 'json']) expect(share(kind)).toBeCloseTo(0.05 / 3, 2)
  expect((await records({ count: 1_000 })).some(broken)).toBe(false)
})

it('takes the time from the clock unless a start is given', async () => {
  const connector = await connect(generate, { count: 1 }, { scheduler: clockAt('2030-05-06T07:08:09Z') })
  const {
    records: [record],
  } = await connector.poll(undefined, signal)
  expect(JSON.parse(text(record!)!)).toMatchObject({ event_time: '2030-05-06T07:08:09.000Z' })
})

it('makes orders whose totals add up', async () => {
  for (const record of await records({ shape: 'orders', count: 300 })) {
    const { total, items, customer } = JSON.parse(text(record)!) as {
      total: number
      customer: string
      items: { quantity: number; price: number }[]
    }
    expect(total).toBeCloseTo(
      items.reduce((sum, { quantity, price }) => sum + quantity * price, 0),
      6,
    )
    expect(keyText(record)).toBe(customer)
  }
})

it('gives no more a second than its rate', async () => {
  const scheduler = new VirtualTimeScheduler()
  const connector = await connect(generate, { rate: 2, count: 4 }, { scheduler })
  const counts: [number, number | 'ended' | undefined][] = []
  let cursor: Json | undefined
  for (const frame of [0, 100, 500, 1_500]) {
    scheduler.frame = frame
    const polled = await connector.poll(cursor, signal)
    cursor = polled.cursor ?? cursor
    counts.push([polled.records.length, polled.wait])
  }
  expect(counts).toEqual([
    [1, 500],
    [0, 400],
    [1, 500],
    [2, 'ended'],
  ])
})

it('ends when it is polled once, although it has no count', async () => {
  const connector = await connect(generate, {}, { scheduler: asyncScheduler, once: true })
  expect((await drain(connector)).wait).toBe('ended')
})
