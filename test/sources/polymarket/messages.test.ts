import { describe, expect, it } from 'vitest'
import { recordsIn } from '../../../src/sources/polymarket/messages.ts'
import { faultCode, keyText, text } from '../connect.ts'

const outcomes = new Map([
  ['11', { slug: 'river', outcome: 'Yes', token: '11' }],
  ['22', { slug: 'river', outcome: 'No', token: '22' }],
])
const now = Date.parse('2026-01-08T12:00:01Z')
const timestamp = String(Date.parse('2026-01-08T12:00:00.123Z'))
const common = {
  market_slug: 'river',
  outcome: 'Yes',
  event_time: '2026-01-08T12:00:00.123Z',
  fetched_at: '2026-01-08T12:00:01.000Z',
}

const read = (frame: unknown) =>
  recordsIn(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), outcomes, now)
const values = (frame: unknown) => read(frame).map((record) => JSON.parse(text(record)!) as unknown)

describe('a message', () => {
  it('book: the sides with the best of each', () => {
    const bids = [
      { price: '.47', size: '30' },
      { price: '.48', size: '20.5' },
    ]
    const message = {
      event_type: 'book',
      asset_id: '11',
      market: '0x1',
      bids,
      asks: [{ price: '.52', size: '1' }],
      timestamp,
      hash: '0xa',
    }
    expect(values(message)).toEqual([
      {
        event_type: 'book',
        ...common,
        best_bid: 0.48,
        best_ask: 0.52,
        bids: [
          { price: 0.47, size: 30 },
          { price: 0.48, size: 20.5 },
        ],
        asks: [{ price: 0.52, size: 1 }],
        hash: '0xa',
      },
    ])
    expect(read(message).map(keyText)).toEqual(['river|Yes'])
  })

  it('book with an empty side: no best of it', () => {
    const [value] = values({ event_type: 'book', asset_id: '11', bids: [], asks: [], timestamp })
    expect(value).not.toHaveProperty('best_bid')
  })

  const change = { event_type: 'price_change', ...common, price: 0.23, size: 300, side: 'SELL', hash: 'h' }

  it('price_change of the newest generation: one record a change', () => {
    const changes = [
      { asset_id: '11', price: '0.23', size: '300', side: 'SELL', hash: 'h', best_bid: '0.2', best_ask: '0.23' },
      { asset_id: '22', price: '0.77', size: '300', side: 'BUY', hash: 'i', best_bid: '0.77', best_ask: '0.8' },
    ]
    const message = { event_type: 'price_change', market: '0x1', price_changes: changes, timestamp }
    expect(values(message)).toEqual([
      { ...change, best_bid: 0.2, best_ask: 0.23 },
      { ...change, outcome: 'No', price: 0.77, side: 'BUY', hash: 'i', best_bid: 0.77, best_ask: 0.8 },
    ])
    expect(read(message).map(keyText)).toEqual(['river|Yes', 'river|No'])
  })

  it('price_change with a list of changes', () => {
    const changes = [{ side: 'SELL', size: '300', price: '0.23' }]
    expect(values({ event_type: 'price_change', asset_id: '11', changes, timestamp, hash: 'h' })).toEqual([change])
  })

  it('price_change that is one change, with a legacy time and without its kind', () => {
    const message = {
      asset_id: '11',
      price: '.23',
      side: 'SELL',
      size: '300',
      hash: 'h',
      timestamp: '2026-01-08 13:00:00.123 +0100',
    }
    expect(values(message)).toEqual([change])
  })

  it('last_trade_price and tick_size_change', () => {
    const trade = {
      event_type: 'last_trade_price',
      asset_id: '11',
      price: '0.456',
      side: 'BUY',
      size: '219.2',
      fee_rate_bps: '0',
      timestamp,
    }
    expect(values(trade)).toEqual([
      { event_type: 'last_trade_price', ...common, price: 0.456, size: 219.2, side: 'BUY', fee_rate_bps: 0 },
    ])
    const tick = {
      event_type: 'tick_size_change',
      asset_id: '11',
      old_tick_size: '0.01',
      new_tick_size: '0.001',
      timestamp,
    }
    expect(values(tick)).toEqual([
      { event_type: 'tick_size_change', ...common, old_tick_size: 0.01, new_tick_size: 0.001 },
    ])
  })

  it('may come with others in one frame', () => {
    const tick = {
      event_type: 'tick_size_change',
      asset_id: '22',
      old_tick_size: '0.01',
      new_tick_size: '0.001',
      timestamp,
    }
    expect(read([tick, { event_type: 'new' }, tick]).map(faultCode)).toEqual([undefined, 'message.unknown', undefined])
    expect(read([])).toEqual([])
  })

  it('is passed over when it is about an outcome that nobody asked for', () => {
    expect(read({ event_type: 'last_trade_price', asset_id: '33', price: '0.4', timestamp })).toEqual([])
  })
})

describe('what cannot be read is kept as it came', () => {
  it.each(['no json', '{"event_type":"new_market","id":1}', '7', 'null', '{}', '{"event_type":"toString"}'])(
    '%s, of no known kind',
    (frame) => {
      const records = read(frame)
      expect(records.map(faultCode)).toEqual(['message.unknown'])
      expect(text(records[0]!)).toBe(frame)
    },
  )

  it.each([
    { event_type: 'last_trade_price', asset_id: '11', price: 'abc', timestamp },
    { event_type: 'last_trade_price', asset_id: '11', price: 'NaN', timestamp },
    { event_type: 'last_trade_price', asset_id: '11', timestamp },
    { event_type: 'last_trade_price', asset_id: '11', price: '0.4', timestamp: 'yesterday' },
    { event_type: 'last_trade_price', asset_id: '11', price: '0.4' },
    { event_type: 'last_trade_price', price: '0.4', timestamp },
    { event_type: 'price_change', asset_id: '11', changes: {}, timestamp },
    { event_type: 'book', asset_id: '11', bids: [{}], asks: [], timestamp },
    { event_type: 'book', asset_id: '11', timestamp },
  ])('%j, with a field that cannot be read', (message) => {
    const frame = JSON.stringify(message)
    const records = read(frame)
    expect(records.map(faultCode)).toEqual(['price.unreadable'])
    expect(text(records[0]!)).toBe(frame)
  })
})
