import type { SourceRecord } from '../../component/source.ts'
import { PriceUnreadableFault } from './fault.ts'
import { keyOf, type Outcome } from './markets.ts'

/**
 * How far an outcome's hours have been given.
 * The price of an hour is the last one known at its full hour: that of the last point after the full hour before it and
 * not after its own. It is given once the hour is over, with the point's own time; an hour without a point has no price.
 */
export type Progress = {
  /** The last full hour given, in seconds since the epoch. */
  readonly hour: number
  /** The price given for it. */
  readonly price: number | null
}

export interface Hours {
  readonly records: readonly SourceRecord[]
  readonly progress: Progress | undefined
  /** Whether the answer held no point at all. */
  readonly empty: boolean
}

interface Point {
  /** Seconds since the epoch; where it cannot be read, that of the point before, or after. */
  readonly t: number
  readonly p: number
  /** What is wrong with it. */
  readonly problem: string | undefined
  readonly raw: unknown
}

const hourSeconds = 3_600
/** Seconds after a full hour in which a point of that hour may still turn up. */
const lateness = 300
/** Seconds that a point may lie ahead of the clock: one far ahead would hide all that come before it. */
const ahead = 86_400

/** The full hour that a time belongs to: the first one not before it. */
const fullHour = (t: number): number => Math.ceil(t / hourSeconds) * hourSeconds

/**
 * The hourly prices in an answer of /prices-history that were not given yet.
 * @param now milliseconds since the epoch
 * @throws PriceUnreadableFault when the answer cannot be read as a whole
 */
export function hoursIn(body: Buffer, outcome: Outcome, progress: Progress | undefined, now: number): Hours {
  const points = pointsIn(body, now / 1_000)
  const latest = points.findLast(({ problem }) => !problem)?.t ?? -Infinity
  const due = points.filter(({ t }) => {
    const hour = fullHour(t)
    const over = latest > hour || now / 1_000 >= hour + lateness
    return over && hour > (progress?.hour ?? -Infinity)
  })

  const records: SourceRecord[] = []
  let reached = progress
  for (const [hour, inHour] of Map.groupBy(due, ({ t }) => fullHour(t))) {
    for (const point of inHour) if (point.problem) records.push(unreadable(point, outcome))
    const last = inHour.findLast(({ problem }) => !problem)
    const before = reached?.price ?? null
    if (last) records.push(priceRecord(last, before, outcome, now))
    reached = { hour, price: last ? last.p : before }
  }
  return { records, progress: reached, empty: points.length === 0 }
}

/** The points in the order of time; of those with the same time the one that came last is last. */
function pointsIn(body: Buffer, now: number): readonly Point[] {
  const history = historyIn(body)
  const problems = history.map((raw) => problemOf(raw, now))
  const timeOf = (i: number) => (problems[i]?.time ? undefined : (history[i] as { t: number }).t)
  const known = history.map((_, i) => timeOf(i)).filter((t) => t !== undefined)
  if (history.length > 0 && known.length === 0) {
    throw new PriceUnreadableFault(`No point of the price history can be read: ${problems[0]?.time}.`)
  }
  let near = known[0]!
  const points = history.map((raw, i): Point => {
    near = timeOf(i) ?? near
    return {
      t: near,
      p: (raw as { p: number } | null)?.p ?? NaN,
      problem: problems[i]?.time ?? problems[i]?.price,
      raw,
    }
  })
  return points.sort((a, b) => a.t - b.t)
}

function historyIn(body: Buffer): readonly unknown[] {
  let answer: unknown
  try {
    answer = JSON.parse(body.toString())
  } catch (cause) {
    throw new PriceUnreadableFault(`The price history is not JSON: ${(cause as Error).message}`, { cause })
  }
  const history: unknown =
    typeof answer === 'object' && answer !== null && 'history' in answer ? answer.history : undefined
  if (Array.isArray(history)) return history
  throw new PriceUnreadableFault('The price history has no list "history".')
}

/** What is wrong with a point's time, and with its price; nothing in most. */
function problemOf(raw: unknown, now: number): { readonly time?: string; readonly price?: string } | undefined {
  const { t, p } = (typeof raw === 'object' && raw !== null ? raw : {}) as {
    readonly t?: unknown
    readonly p?: unknown
  }
  if (typeof t !== 'number' || !Number.isInteger(t)) return { time: `t is ${JSON.stringify(t)}, not whole seconds` }
  if (t < 0 || t > now + ahead) return { time: `t is ${t}, which is no time up to now in seconds` }
  if (typeof p !== 'number' || !Number.isFinite(p)) return { price: `p is ${JSON.stringify(p)}, not a number` }
  return undefined
}

function unreadable({ raw, problem }: Point, outcome: Outcome): SourceRecord {
  const fault = new PriceUnreadableFault(`A point of the price history cannot be read: ${problem}.`)
  return { key: keyOf(outcome), value: Buffer.from(JSON.stringify(raw)), fault }
}

function priceRecord({ t, p }: Point, before: number | null, outcome: Outcome, now: number): SourceRecord {
  const value = {
    market_slug: outcome.slug,
    outcome: outcome.outcome,
    price: p,
    price_delta: before === null ? null : withoutNoise(p - before),
    event_time: new Date(t * 1_000).toISOString(),
    fetched_at: new Date(now).toISOString(),
    prev_price: before,
  }
  return { key: keyOf(outcome), value: Buffer.from(JSON.stringify(value)) }
}

/** 0.23 - 0.225 is 0.005, not 0.0050000000000000044. */
const withoutNoise = (difference: number): number => Number(difference.toFixed(9))
