import { z } from 'zod'
import { defineSource, type Connector, type SourceRecord } from '../component/source.ts'
import { order } from './generate/orders.ts'
import { price } from './generate/prices.ts'
import { drawsAt } from './generate/random.ts'

/** Records that one poll gives at most. */
const maxRecords = 5_000
const shapes = { prices: price, orders: order }

export const generate = defineSource({
  name: 'generate',
  summary: 'Makes up records, the same ones for the same seed, for demos and for load.',

  config: z.strictObject({
    shape: z
      .enum(['prices', 'orders'])
      .default('prices')
      .describe('What the records are: hourly prices of markets, or orders of customers.'),
    count: z.int().positive().optional().describe('How many records to give; without it they do not end.'),
    rate: z.number().positive().optional().describe('Records a second; as many as are taken without it.'),
    seed: z.int().min(0).default(1).describe('The same seed gives the same records.'),
    poison: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('Share of records that are broken: a value out of range, a missing field, or no JSON at all.'),
    start: z.iso
      .datetime({ offset: true })
      .transform((text) => Date.parse(text))
      .optional()
      .describe('Time of the first record; those that follow are a second apart, or as `rate` says. Without it: now.'),
  }),

  faults: [],

  examples: [
    { title: 'A million prices, one in twenty broken', config: { count: 1_000_000, poison: 0.05 } },
    { title: 'Ten orders a second', config: { shape: 'orders', rate: 10 } },
  ],

  format: () => 'json',

  async open(config, { scheduler, once }): Promise<Connector> {
    const { count = Infinity, rate, seed, poison, start } = config
    const make = shapes[config.shape]
    const apart = 1_000 / (rate ?? 1)
    const opened = scheduler.now()
    let first: number | undefined

    function recordAt(index: number, now: number): SourceRecord {
      const time = start === undefined ? now : Math.round(start + index * apart)
      const draw = drawsAt(seed, index)
      return make({ index, seed, time, draw, poisoned: draw() < poison })
    }

    return {
      async poll(cursor) {
        const next = (cursor as number | undefined) ?? 0
        first ??= next
        const now = scheduler.now()
        const due = rate === undefined ? Infinity : first + 1 + Math.floor((now - opened) / apart)
        const end = Math.min(next + maxRecords, count, Math.max(due, next))
        const records = Array.from({ length: end - next }, (_, i) => recordAt(next + i, now))
        return { records, ...(end > next && { cursor: end }), ...waitAfter(end, due, now) }
      },
    }

    function waitAfter(end: number, due: number, now: number): { wait?: number | 'ended' } {
      if (end >= count || (once && config.count === undefined)) return { wait: 'ended' }
      if (end < due) return {}
      return { wait: Math.max(1, Math.ceil(opened + (end - first!) * apart - now)) }
    }
  },
})
