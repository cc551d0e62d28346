import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { jsonLines, makeDirectory, runOxbow } from './cli/oxbow.ts'

const config = fileURLToPath(new URL('../config/market-lag.yaml', import.meta.url))
const hour = 3_600_000
const markets = ['will-jd-vance-win-the-2028-election', 'will-gavin-newsom-win-the-2028-election'] as const

interface Point {
  /** Seconds since 1970. */
  readonly t: number
  readonly p: number
}

/** Numbers from 0 to 1, the same for the same seed: a linear congruential generator with the constants of Numerical Recipes. */
function draws(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32
}

/** Prices that wander, ten minutes apart; or real ones: OXBOW_PRICES is a file with an answer of /prices-history. */
function pricesOf(market: number): readonly Point[] {
  const { OXBOW_PRICES: file } = process.env
  if (file !== undefined && market === 0)
    return (JSON.parse(readFileSync(file, 'utf8')) as { history: Point[] }).history
  const draw = draws(market + 7)
  let p = 0.5
  return Array.from({ length: 6 * 24 * 6 }, (_, n) => {
    p = Math.min(0.99, Math.max(0.01, p + (draw() - 0.5) * 0.02))
    return { t: 1_767_830_400 + n * 600 + 17, p: Number(p.toFixed(4)) }
  })
}

/** A feed with some entries of every hour that there are prices of, most of them about one of the markets. */
function feedOf(points: readonly Point[]): string {
  const draw = draws(1)
  const titles = [
    'Vance leads',
    'Newsom speaks',
    'Vance and Newsom meet',
    'Election day',
    'Rain in the north',
    'Newsom',
  ]
  const items: string[] = []
  for (let at = points[0]!.t * 1_000; at < points.at(-1)!.t * 1_000; at += hour) {
    for (let count = Math.floor(draw() * 4); count > 0; count--) {
      const published = new Date(at + Math.floor(draw() * hour)).toUTCString()
      const title = titles[Math.floor(draw() * titles.length)]!
      items.push(`<item><guid>${items.length}</guid><title>${title}</title><pubDate>${published}</pubDate></item>`)
    }
  }
  return `<rss version="2.0"><channel><title>News</title>${items.reverse().join('')}</channel></rss>`
}

/** Serves the feed and the prices. */
async function startWorld(): Promise<string> {
  const prices = markets.map((_, market) => pricesOf(market))
  const feed = feedOf(prices[0]!)
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://world')
    const slug = searchParams.get('slug') ?? ''
    const token = Number(searchParams.get('market') ?? 0)
    const answers: { readonly [path: string]: string } = {
      '/feed.xml': feed,
      '/gamma/markets': JSON.stringify([
        { slug, outcomes: '["Yes","No"]', clobTokenIds: JSON.stringify([`${markets.indexOf(slug as never)}`, '9']) },
      ]),
      '/clob/prices-history': JSON.stringify({ history: prices[token] ?? [] }),
    }
    response.end(answers[pathname] ?? '<rss version="2.0"><channel><title>Nothing new</title></channel></rss>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Article {
  readonly published_at: string
  readonly source_weight: number
  readonly keyword_scores: { readonly [keyword: string]: number }
}
interface Price {
  readonly market_slug: string
  readonly outcome: string
  readonly price: number
  readonly price_delta: number | null
  readonly event_time: string
}
interface Lag {
  readonly market: string
  readonly window_end: string
  readonly signal: number
  readonly signal_delta: number
  readonly max_signal_delta: number
  readonly price: number
  readonly price_delta: number
  readonly lag_flag: boolean
  readonly confidence: number
}

/** The lags as the rules say, worked out from the cleaned articles and prices alone, with none of the pipeline's code. */
function expectedLags(articles: readonly Article[], prices: readonly Price[]): readonly Lag[] {
  const mentions = articles.flatMap(({ published_at, source_weight, keyword_scores }) =>
    markets.flatMap((market) => {
      let score = 0
      for (const [keyword, points] of Object.entries(keyword_scores))
        if (market.split('-').some((word) => word.startsWith(keyword))) score += points
      return score > 0 ? [{ market, at: Date.parse(published_at), weight: source_weight, score }] : []
    }),
  )
  const streamTime = Math.max(...mentions.map(({ at }) => at))
  return markets.flatMap((market) => {
    const lags: Lag[] = []
    const own = mentions.filter((mention) => mention.market === market)
    const ends = [...new Set(own.map(({ at }) => (Math.floor(at / hour) + 1) * hour))].sort((a, b) => a - b)
    let [before, beforeEnd, most] = [0, 0, -Infinity]
    for (const end of ends) {
      if (end + 5 * 60_000 > streamTime) continue // Its hour is not closed yet.
      const inHour = own.filter(({ at }) => at >= end - hour && at < end)
      const signal = inHour.reduce((sum, { score, weight }) => sum + score * weight, 0)
      const weight = inHour.reduce((sum, mention) => sum + mention.weight, 0) / inHour.length
      const rise = signal - (beforeEnd === end - hour ? before : 0)
      most = Math.max(most, rise)
      ;[before, beforeEnd] = [signal, end]
      const price = prices.find(
        (each) =>
          each.market_slug === market &&
          each.outcome === 'Yes' &&
          Math.ceil(Date.parse(each.event_time) / hour) * hour === end,
      )
      if (!price || price.price_delta === null) continue
      const still = Math.abs(price.price_delta)
      lags.push({
        market,
        window_end: new Date(end).toISOString(),
        signal,
        signal_delta: rise,
        max_signal_delta: most,
        price: price.price,
        price_delta: price.price_delta,
        lag_flag: rise > 1 && still < 0.02,
        confidence: Math.min(1, (most > 0 ? (rise / most) * 0.5 : 0) + (1 - still) * 0.3 + weight * 0.2),
      })
    }
    return lags
  })
}

it('MarketLag finds the lags that the rules say', { timeout: 120_000 }, async () => {
  const world = await startWorld()
  const directory = makeDirectory()
  const environment = {
    ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`FEED_${n}`, `${world}/${n === 1 ? 'feed' : `empty-${n}`}.xml`])),
    MARKET_1: markets[0],
    MARKET_2: markets[1],
    POLYMARKET_GAMMA: `${world}/gamma`,
    POLYMARKET_CLOB: `${world}/clob`,
    ALLOW_PRIVATE: 'true',
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { code, stderr } = await runOxbow(directory, ['run', config, '--until-idle', '--no-http'])
  expect([code, stderr.split('\n').filter((line) => line.includes('ERROR'))]).toEqual([0, []])
  const read = async <T>(topic: string): Promise<T[]> =>
    (jsonLines((await runOxbow(directory, ['read', topic, '--json'])).stdout) as { value: T }[]).map(
      ({ value }) => value,
    )

  const expected = expectedLags(await read('rss.articles'), await read('prices.clean'))
  const found = (await read<Lag>('lag_signals')).toSorted(
    (a, b) =>
      markets.indexOf(a.market as never) - markets.indexOf(b.market as never) || (a.window_end < b.window_end ? -1 : 1),
  )
  expect(expected.length).toBeGreaterThan(100)
  expect(expected.some(({ lag_flag }) => lag_flag) && expected.some(({ lag_flag }) => !lag_flag)).toBe(true)
  const rounded = (lags: readonly Lag[]) =>
    lags.map(
      ({ market, window_end, signal, signal_delta, max_signal_delta, price, price_delta, lag_flag, confidence }) => ({
        market,
        window_end,
        lag_flag,
        numbers: [signal, signal_delta, max_signal_delta, price, price_delta, confidence].map((n) =>
          Number(n.toFixed(9)),
        ),
      }),
    )
  expect(rounded(found)).toEqual(rounded(expected))
})
