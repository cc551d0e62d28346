import { readNumber } from '../../component/reading.ts'
import type { SourceRecord } from '../../component/source.ts'
import { MessageUnknownFault, PriceUnreadableFault } from './fault.ts'
import { keyOf, type Outcome } from './markets.ts'

type Fields = { readonly [name: string]: unknown }
/** What a message says about one outcome. */
type Said = { readonly token: unknown; readonly fields: () => Fields }

/** Outcomes by token. */
export type Outcomes = ReadonlyMap<string, Outcome>

/**
 * The records in a frame of the market channel: one for each book, change of a price level, trade and change of the tick
 * size, with numbers as numbers and times as ISO 8601. What is about outcomes that nobody asked for is passed over; what
 * cannot be read is kept as it came, with a fault.
 * @param now milliseconds since the epoch
 */
export function recordsIn(frame: Buffer, outcomes: Outcomes, now: number): SourceRecord[] {
  let content: unknown
  try {
    content = JSON.parse(frame.toString())
  } catch (cause) {
    return [{ key: null, value: frame, fault: new MessageUnknownFault('The message is not JSON.', { cause }) }]
  }
  if (!Array.isArray(content)) return recordsOf(content, frame, outcomes, now)
  return content.flatMap((message) => recordsOf(message, Buffer.from(JSON.stringify(message)), outcomes, now))
}

function recordsOf(message: unknown, raw: Buffer, outcomes: Outcomes, now: number): SourceRecord[] {
  const kind = isObject(message) ? (message.event_type ?? kindByShape(message)) : undefined
  const read = typeof kind === 'string' && Object.hasOwn(readers, kind) ? readers[kind as Kind] : undefined
  if (!isObject(message) || !read) {
    const what = typeof kind === 'string' ? `the unknown kind "${kind.slice(0, 100)}"` : 'no known kind'
    return [{ key: null, value: raw, fault: new MessageUnknownFault(`The message is of ${what}.`) }]
  }
  return read(message).flatMap(({ token, fields }): SourceRecord[] => {
    const outcome = outcomes.get(String(token))
    if (!outcome) return typeof token === 'string' ? [] : [unreadable(raw, null, 'it names no asset_id')]
    try {
      const value = {
        event_type: kind,
        market_slug: outcome.slug,
        outcome: outcome.outcome,
        ...fields(),
        event_time: timeOf(message.timestamp),
        fetched_at: new Date(now).toISOString(),
      }
      return [{ key: keyOf(outcome), value: Buffer.from(JSON.stringify(value)) }]
    } catch (thrown) {
      return [unreadable(raw, outcome, (thrown as Error).message)]
    }
  })
}

type Kind = keyof typeof readers

const readers = {
  book: (message: Fields): Said[] => [
    {
      token: message.asset_id,
      fields() {
        // Older messages call the sides buys and sells.
        const bids = levels(message.bids ?? message.buys, 'bids')
        const asks = levels(message.asks ?? message.sells, 'asks')
        const best_bid = bids.length > 0 ? Math.max(...bids.map(({ price }) => price)) : undefined
        const best_ask = asks.length > 0 ? Math.min(...asks.map(({ price }) => price)) : undefined
        return { best_bid, best_ask, bids, asks, hash: message.hash }
      },
    },
  ],

  /** Three generations: a list of changes of many outcomes, a list of changes of one, one change. */
  price_change: (message: Fields): Said[] => {
    const list = message.price_changes ?? message.changes ?? [message]
    return (Array.isArray(list) ? list : [undefined]).map((entry: unknown) => {
      const change = isObject(entry) ? entry : {}
      return {
        token: change.asset_id ?? message.asset_id,
        fields: () => ({
          price: number(change, 'price'),
          size: number(change, 'size'),
          side: change.side,
          best_bid: optionalNumber(change, 'best_bid'),
          best_ask: optionalNumber(change, 'best_ask'),
          hash: change.hash ?? message.hash,
        }),
      }
    })
  },

  last_trade_price: (message: Fields): Said[] => [
    {
      token: message.asset_id,
      fields: () => ({
        price: number(message, 'price'),
        size: optionalNumber(message, 'size'),
        side: message.side,
        fee_rate_bps: optionalNumber(message, 'fee_rate_bps'),
      }),
    },
  ],

  tick_size_change: (message: Fields): Said[] => [
    {
      token: message.asset_id,
      fields: () => ({
        old_tick_size: number(message, 'old_tick_size'),
        new_tick_size: number(message, 'new_tick_size'),
      }),
    },
  ],
}

/** The oldest messages do not say what they are. */
function kindByShape(message: Fields): Kind | undefined {
  if ('bids' in message && 'asks' in message) return 'book'
  if ('price_changes' in message || 'changes' in message) return 'price_change'
  return ['asset_id', 'price', 'side', 'size', 'hash'].every((name) => name in message) ? 'price_change' : undefined
}

function levels(list: unknown, name: string): { price: number; size: number }[] {
  if (!Array.isArray(list)) throw new Error(`it has no list "${name}"`)
  return list.map((level: unknown) => {
    const fields = isObject(level) ? level : {}
    return { price: number(fields, 'price'), size: number(fields, 'size') }
  })
}

const optionalNumber = (fields: Fields, name: string): number | undefined =>
  fields[name] === undefined || fields[name] === null || fields[name] === '' ? undefined : number(fields, name)

function number(fields: Fields, name: string): number {
  const value = fields[name]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'string') throw new Error(`its ${name} is no number`)
  try {
    return readNumber(value)
  } catch (cause) {
    throw new Error(`its ${name} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

const legacyTime = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ?([+-]\d\d):?(\d\d)$/

/** Milliseconds since the epoch, or in old messages "2025-01-25 18:15:47.925 +0100". */
function timeOf(timestamp: unknown): string {
  const text = String(timestamp)
  const legacy = legacyTime.exec(text)
  const time = legacy
    ? Date.parse(`${legacy[1]}T${legacy[2]}${legacy[3]}:${legacy[4]}`)
    : /^\d{11,14}$/.test(text)
      ? Number(text)
      : NaN
  if (Number.isNaN(time)) throw new Error(`its timestamp ${JSON.stringify(timestamp)?.slice(0, 100)} is no time`)
  return new Date(time).toISOString()
}

function unreadable(raw: Buffer, outcome: Outcome | null, problem: string): SourceRecord {
  return {
    key: outcome && keyOf(outcome),
    value: raw,
    fault: new PriceUnreadableFault(`The message cannot be read: ${problem}.`),
  }
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
