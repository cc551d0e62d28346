import type { SourceRecord } from '../../component/source.ts'
import { drawsAt, type Draw, type Seedling } from './random.ts'

const subjects = [
  'the-river-rise-above-its-banks',
  'the-lake-freeze-over',
  'the-bridge-be-open',
  'the-ferry-run-on-time',
]
const markets = 100
const outcomes = ['Yes', 'No']

/** A price of one of a hundred markets with two outcomes each, which wanders by small steps. */
export function price({ index, seed, time, draw, poisoned }: Seedling): SourceRecord {
  const outcome = outcomes[index % 2]!
  const market = Math.floor(index / 2) % markets
  const round = Math.floor(index / (markets * outcomes.length))
  const slug = `will-${subjects[market % subjects.length]}-by-calendar-week-${String(market).padStart(3, '0')}`
  const chances = [chance(seed, market, round), chance(seed, market, round - 1)] as const
  const [now, before] = outcome === 'Yes' ? chances : [10_000 - chances[0], 10_000 - chances[1]]
  const event_time = new Date(time).toISOString()
  const value = {
    market_slug: slug,
    outcome,
    price: now / 10_000,
    price_delta: (now - before) / 10_000,
    event_time,
    fetched_at: event_time,
    prev_price: before / 10_000,
  }
  return {
    key: Buffer.from(`${slug}|${outcome}`),
    value: Buffer.from(poisoned ? poison(value, draw) : JSON.stringify(value)),
  }
}

function poison(value: object & { readonly market_slug: string }, draw: Draw): string {
  const kind = draw()
  if (kind < 1 / 3) return JSON.stringify({ ...value, price: 1.7 })
  const { market_slug: _, ...rest } = value
  if (kind < 2 / 3) return JSON.stringify(rest)
  return JSON.stringify(value).slice(0, -20)
}

/** The chance of Yes in ten-thousandths: a level of the market's own, with waves and noise, within [0, 1]. */
function chance(seed: number, market: number, round: number): number {
  const level = 0.1 + 0.8 * drawsAt(seed, market)()
  const wave = 0.08 * Math.sin(round / 5 + market)
  const noise = 0.02 * (drawsAt(seed + 1, market + round * 1_000_003)() - 0.5)
  return Math.round((level + wave + noise) * 10_000)
}
