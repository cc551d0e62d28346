import { z } from 'zod'
import { duration } from '../component/fields.ts'
import { createFetcher } from '../component/fetch.ts'
import { defineSource, type Connector } from '../component/source.ts'
import { followChannel } from './polymarket/channel.ts'
import { MessageUnknownFault, PriceUnreadableFault } from './polymarket/fault.ts'
import { findMarkets } from './polymarket/markets.ts'
import { pollPrices } from './polymarket/prices.ts'

const market = z.union([
  z.string().min(1),
  z.strictObject({
    slug: z.string().min(1).describe('The slug of the market, as in its URL.'),
    outcome: z.string().min(1).describe('The outcome, such as "Yes".'),
    token: z.string().regex(/^\d+$/, 'expected the token id of the outcome: digits').describe('Its CLOB token id.'),
  }),
])

export const polymarket = defineSource({
  name: 'polymarket',
  summary: 'Reads the prices of prediction markets: hour by hour from their history, or each change as it happens.',

  config: z.strictObject({
    markets: z
      .array(market)
      .min(1)
      .describe('Slugs of markets, each with all its outcomes, or single outcomes that need no look-up.'),
    mode: z
      .enum(['history', 'websocket'])
      .default('history')
      .describe('`history`: one record an outcome and hour; `websocket`: one for each book, change and trade.'),
    every: duration().prefault('1h').describe('How often the history is asked for.'),
    fidelity: z
      .int()
      .min(1)
      .max(1_440)
      .default(10)
      .describe('Minutes between the points that hourly prices come from.'),
    baseUrl: z.url().default('https://clob.polymarket.com').describe('Where the price history is.'),
    gammaUrl: z.url().default('https://gamma-api.polymarket.com').describe('Where markets are looked up.'),
    wsUrl: z
      .url()
      .default('wss://ws-subscriptions-clob.polymarket.com/ws/market')
      .describe('Where the market channel is.'),
    allowPrivate: z.boolean().default(false).describe('Whether these may be addresses that are not public.'),
    timeout: duration().prefault('15s').describe('How long an answer may take.'),
  }),

  faults: [PriceUnreadableFault, MessageUnknownFault],

  examples: [
    { title: 'Hourly prices of all outcomes of a market', config: { markets: ['will-the-river-rise'] } },
    {
      title: 'Every change of one outcome',
      config: { markets: [{ slug: 'will-the-river-rise', outcome: 'Yes', token: '123' }], mode: 'websocket' },
    },
  ],

  format: () => 'json',

  async open(config, { scheduler, log, once }): Promise<Connector> {
    const { mode, every, fidelity, wsUrl, allowPrivate, timeout } = config
    const [baseUrl, gammaUrl] = [config.baseUrl, config.gammaUrl].map((url) => url.replace(/\/+$/, '')) as [
      string,
      string,
    ]
    const fetcher = createFetcher({ allowPrivate, timeout, maxBytes: largestAnswer, scheduler })
    const markets = findMarkets(config.markets, gammaUrl, fetcher, log)
    const now = () => scheduler.now()
    const connector =
      mode === 'history'
        ? pollPrices({ baseUrl, fidelity, every, markets, fetcher, log, now })
        : followChannel({ url: wsUrl, markets, allowPrivate, timeout, once, scheduler, log })
    return {
      poll: (cursor, signal) => connector.poll(cursor, signal),
      async close() {
        await connector.close?.()
        await fetcher.close()
      },
    }
  },
})

/** Bytes of an answer: years of history in points of a minute. */
const largestAnswer = 67_108_864
