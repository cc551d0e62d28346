import { z } from 'zod'
import type { Json } from '../component/context.ts'
import { createFetcher } from '../component/fetch.ts'
import { duration, size } from '../component/fields.ts'
import { HttpStatusFault, httpFaults } from '../component/httpFault.ts'
import { defineSource, type Connector, type Polled } from '../component/source.ts'
import { asFault } from '../record/fault.ts'
import { digest } from './rss/entry.ts'
import {
  EntryBadDateFault,
  EntryBadLinkFault,
  EntryDamagedFault,
  FeedDamagedFault,
  FeedUnreadableFault,
} from './rss/fault.ts'
import { feedState, look, type DatedRecord, type FeedState, type Look, type Subscription } from './rss/look.ts'

/** Feeds looked at in one poll: bounds the memory that their documents take. */
const atOnce = 8
/** Milliseconds until a feed that failed is tried again; doubled with each failure, up to `every`. */
const firstRetry = 30_000
const unread = 'none of its feeds could be read; the warnings say why'

const feedUrl = () => z.url({ protocol: /^https?$/, error: 'expected an http or https URL' })
const cursorShape = z.object({ feeds: z.record(z.string(), feedState) })

export const rss = defineSource({
  name: 'rss',
  summary:
    'Polls feeds (RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed); a record is an entry, once for every version of it that the feed shows.',

  config: z.strictObject({
    feeds: z
      .array(
        z.union([
          feedUrl(),
          z.strictObject({
            url: feedUrl().describe('The feed.'),
            source: z
              .string()
              .min(1)
              .optional()
              .describe('What its entries say as "source"; else the feed\'s own title.'),
            weight: z.number().optional().describe('What its entries say as "source_weight".'),
          }),
        ]),
      )
      .min(1)
      .refine((feeds) => new Set(feeds.map((feed) => subscription(feed).url)).size === feeds.length, {
        error: 'a feed is listed twice: list it once',
      })
      .describe('URLs of feeds, or objects with a url, a source and a weight.'),
    every: duration().prefault('15m').describe('How often each feed is looked at.'),
    lenient: z
      .boolean()
      .default(false)
      .describe(
        'Whether entries with a time or a link that cannot be read go on with it as published_raw, updated_raw or link_raw.',
      ),
    allowPrivate: z.boolean().default(false).describe('Whether feeds may be at addresses that are not public.'),
    timeout: duration().prefault('30s').describe('How long one feed may take, redirects included.'),
    maxBytes: size().prefault('10MiB').describe('The largest document, decompressed.'),
  }),

  faults: [
    EntryBadDateFault,
    EntryBadLinkFault,
    EntryDamagedFault,
    FeedDamagedFault,
    FeedUnreadableFault,
    HttpStatusFault,
    ...httpFaults,
  ],

  examples: [
    {
      title: 'Two feeds, looked at four times an hour',
      config: { feeds: ['https://example.org/feed.xml', 'https://example.com/atom'] },
    },
    {
      title: 'A feed with a name and a weight of its own',
      config: { feeds: [{ url: 'https://example.org/feed.xml', source: 'Example', weight: 0.8 }], every: '1h' },
    },
  ],

  format: () => 'json',

  async open({ feeds, every, lenient, ...limits }, { scheduler, log, name, once }): Promise<Connector> {
    const fetcher = createFetcher({ ...limits, scheduler })
    const now = (): number => scheduler.now()
    const plans = feeds.map((feed) => ({
      ...subscription(feed),
      id: digest(subscription(feed).url),
      due: now(),
      failures: 0,
    }))
    type Plan = (typeof plans)[number]

    /** A failed look gives nothing, and leaves the other feeds alone. */
    async function lookAt(plan: Plan, state: FeedState, signal: AbortSignal): Promise<Look | undefined> {
      try {
        const found = await look(plan, state, { fetcher, lenient, now }, signal)
        plan.failures = 0
        plan.due = once ? Infinity : now() + every
        return found
      } catch (thrown) {
        signal.throwIfAborted()
        const fault = asFault('rss', thrown)
        const wait = Math.min(every, firstRetry * 2 ** plan.failures++)
        plan.due = once ? Infinity : now() + wait
        const feed = fetcher.show(plan.url)
        log.warn({ source: name, feed, fault: fault.code }, `The feed cannot be read now: ${fault.message}`)
        return undefined
      }
    }

    return {
      async poll(cursor, signal): Promise<Polled> {
        const states = cursor === undefined ? {} : cursorShape.parse(cursor).feeds
        const batch = plans.filter(({ due }) => due <= now()).slice(0, atOnce)
        const looks = await Promise.all(batch.map((plan) => lookAt(plan, states[plan.id] ?? { seen: [] }, signal)))
        const configured = plans.flatMap(({ id }) => (states[id] ? [[id, states[id]]] : []))
        const looked = batch.flatMap(({ id }, index) => (looks[index] ? [[id, looks[index].state]] : []))
        const next = { feeds: Object.fromEntries([...configured, ...looked]) as { [id: string]: FeedState } }
        const wait = Math.min(...plans.map(({ due }) => due)) - now()
        const trouble = plans.every(({ failures }) => failures > 0) ? unread : undefined
        if (trouble && wait === Infinity) throw new Error(trouble)
        return {
          records: looks.flatMap((found) => found?.records ?? []).toSorted(byTime),
          ...(JSON.stringify(next) !== JSON.stringify({ feeds: states }) && { cursor: next as Json }),
          ...(trouble && { trouble }),
          ...(wait > 0 && { wait: wait === Infinity ? 'ended' : wait }),
          failed: () => batch.forEach((plan) => (plan.due = now())),
        }
      },

      close: () => fetcher.close(),
    }
  },
})

/** The oldest first, whichever feed it is in, as feeds have their latest first; what has no time comes last. */
const byTime = ({ at: one = Infinity }: DatedRecord, { at: other = Infinity }: DatedRecord): number =>
  one === other ? 0 : one - other

const subscription = (feed: string | Subscription): Subscription => (typeof feed === 'string' ? { url: feed } : feed)
