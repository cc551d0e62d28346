import { z } from 'zod'
import { duration } from '../component/fields.ts'
import { createFetcher } from '../component/fetch.ts'
import { HttpStatusFault, HttpTimeoutFault, HttpUnavailableFault, httpFaults } from '../component/httpFault.ts'
import { defineSink, type OpenSink, type Receipt } from '../component/sink.ts'
import { encodeValue } from '../component/value.ts'
import { asFault, Fault } from '../record/fault.ts'
import type { Record } from '../record/record.ts'

/** The URL answers with a redirect: what is posted may not arrive where it leads. */
class WebhookRedirectedFault extends Fault {
  readonly code = 'webhook.redirected'
  readonly disposition = 'deadLetter'

  /** @param from as it may be shown @param to as it may be shown */
  constructor(from: string, to: string) {
    super(`${from} redirects to ${to}: what is posted may not arrive there. Set url to where it leads.`)
  }
}

export const webhook = defineSink({
  name: 'webhook',
  summary:
    'Posts each record to a URL as JSON, one after another; an alert, or any text, is what Slack and its like show.',

  config: z.strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'expected a URL that begins with http:// or https://' })
      .describe('Where to post; it is treated as a secret: logs and faults name its origin alone.'),
    headers: z.record(z.string(), z.string()).default({}).describe('Headers to send, such as authorization.'),
    timeout: duration().prefault('10s').describe('How long an answer may take.'),
    allowPrivate: z
      .boolean()
      .default(true)
      .describe(
        'Whether addresses that are not public may be reached; set it to false where configs are not your own.',
      ),
  }),

  faults: [WebhookRedirectedFault, HttpStatusFault, ...httpFaults],

  examples: [
    { title: 'A channel of a chat', config: { url: 'https://hooks.example.org/services/T0/B0/x' } },
    {
      title: 'An API with a token',
      config: { url: 'https://api.example.org/events', headers: { authorization: 'Bearer x' }, timeout: '3s' },
    },
  ],

  async open({ url, headers, timeout, allowPrivate }, { name, scheduler }): Promise<OpenSink> {
    const fetcher = createFetcher({ allowPrivate, timeout, maxBytes: largestAnswer, scheduler, secretUrl: true })

    return {
      async write(records, signal) {
        const receipts: Receipt[] = []
        let unreachable: Fault | undefined
        for (const record of records) {
          const receipt = unreachable ?? (await post(record).catch((thrown: unknown) => failed(thrown, signal)))
          receipts.push(receipt)
          // Nobody is there: the others need not each wait for it.
          if (receipt instanceof HttpUnavailableFault || receipt instanceof HttpTimeoutFault) unreachable = receipt
        }
        return receipts

        async function post(record: Record): Promise<Receipt> {
          const answer = await fetcher.fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'idempotency-key': idOf(record), ...headers },
            body: bodyOf(record.value),
            signal,
          })
          if (moved(url, answer.url)) return new WebhookRedirectedFault(fetcher.show(url), fetcher.show(answer.url))
          if (answer.status >= 200 && answer.status < 300) return 'written'
          return new HttpStatusFault(answer.status, fetcher.show(url))
        }
      },

      close: () => fetcher.close(),
    }

    function failed(thrown: unknown, signal: AbortSignal): Fault {
      signal.throwIfAborted()
      return asFault(name, thrown)
    }
  },
})

/** Bytes of an answer that are read; a webhook's says no more than "ok". */
const largestAnswer = 1_048_576

/** The value as JSON; text as chats take it. */
function bodyOf(value: unknown): Buffer {
  return encodeValue(typeof value === 'string' ? { text: value } : value) ?? Buffer.from('null')
}

/** The same when a record is sent again, so that a receiver can tell. */
function idOf({ origin, index }: Record): string {
  return `${origin.topic}/${origin.partition}/${origin.offset}${index}`
}

function moved(from: string, to: string): boolean {
  const [asked, came] = [new URL(from), new URL(to)]
  return asked.origin + asked.pathname + asked.search !== came.origin + came.pathname + came.search
}
