import { z } from 'zod'
import { createFetcher } from '../component/fetch.ts'
import { duration, path, size } from '../component/fields.ts'
import { HttpBadUrlFault, HttpStatusFault, HttpUnavailableFault, httpFaults } from '../component/httpFault.ts'
import { defineOperator } from '../component/operator.ts'
import { readJson, ReadingProblem, readText } from '../component/reading.ts'
import { NotTextFault, template, type RecordTemplate } from '../component/template.ts'
import { encodeValue } from '../component/value.ts'
import { UnplaceableFieldFault, withField } from '../record/change.ts'
import { Fault, MissingFieldFault } from '../record/fault.ts'
import { emit } from '../record/outcome.ts'

/** The server will not answer this request, and asking again would not help. */
class HttpRefusedFault extends Fault {
  readonly code = 'http.refused'
  readonly disposition = 'deadLetter'
}

/** The server's answer is not JSON. */
class ResponseUnreadableFault extends Fault {
  readonly code = 'response.unreadable'
  readonly disposition = 'deadLetter'
}

export const enrich = defineOperator({
  name: 'enrich',
  summary: 'Adds what an HTTP server answers about a record, in JSON.',

  config: z.strictObject({
    url: template()
      .refine(hostIsWritten, 'expected "http://" or "https://" and the host written out, places only after it')
      .describe('The address to ask, with places for fields of the record, which are URL-encoded.')
      .meta({ examples: ['https://api.example.org/markets/{record.slug}'] }),
    method: z.enum(['GET', 'POST']).default('GET').describe("POST sends the record's value as JSON."),
    as: path().describe('The field that the answer is put under.'),
    headers: z.record(z.string(), z.string()).default({}).describe('Headers of the request.'),
    timeout: duration().prefault('5s').describe('How long an answer may take, redirects and body included.'),
    concurrency: z
      .int()
      .min(1)
      .max(256)
      .default(8)
      .describe('Requests at once. Records of one key go one after another.'),
    maxBytes: size().prefault('1MiB').describe('Size of the largest answer taken.'),
    allowPrivate: z.boolean().default(false).describe('Whether addresses that are not public may be asked.'),
  }),

  faults: [
    MissingFieldFault,
    NotTextFault,
    UnplaceableFieldFault,
    HttpRefusedFault,
    ResponseUnreadableFault,
    ...httpFaults,
  ],

  examples: [
    {
      title: 'The market behind a price',
      config: { url: 'https://api.example.org/markets/{record.slug}', as: 'market', timeout: '2s' },
      given: [{ price: 0.4 }],
      expect: ['fail record.missing_field'],
    },
  ],

  build({ url, method, as, headers, concurrency, ...limits }, { scheduler }) {
    // Never closed: units in work still ask while the pipeline stops, and idle connections hold no process up.
    const fetcher = createFetcher({ ...limits, scheduler })

    return {
      concurrency,

      async each(record, signal) {
        const address = url.fill(record, encodeSegment)
        const sent = method === 'POST' ? { body: encodeValue(record.value) ?? 'null' } : {}
        const type = method === 'POST' ? { 'content-type': 'application/json' } : {}
        const answer = await fetcher.fetch(address, {
          method,
          headers: { accept: 'application/json', ...type, ...headers },
          ...sent,
          signal,
        })
        const shown = fetcher.show(address)
        if (answer.status < 200 || answer.status > 299) throw statusFault(answer.status, shown)
        return emit(record, withField(record, as, readAnswer(answer.body, shown)))
      },
    }
  },
})

/** A record must not choose the server that is asked. */
function hostIsWritten({ text, lead }: RecordTemplate): boolean {
  return /^https?:\/\/[^/?#\\\s]+[/?]/.test(lead) || (lead === text && /^https?:\/\/[^/?#\\\s]+$/.test(text))
}

function encodeSegment(text: string): string {
  // A URL's path takes these for the folder itself and the one above, encoded or not.
  if (text === '.' || text === '..')
    throw new HttpBadUrlFault(`A field of the URL is "${text}", which leads to another path.`)
  return encodeURIComponent(text)
}

function statusFault(status: number, url: string): Fault {
  const { disposition, message } = new HttpStatusFault(status, url)
  return disposition === 'retry' ? new HttpUnavailableFault(message) : new HttpRefusedFault(message)
}

function readAnswer(body: Buffer, url: string): unknown {
  try {
    return readJson(readText(body))
  } catch (cause) {
    if (!(cause instanceof ReadingProblem)) throw cause
    throw new ResponseUnreadableFault(`The answer of ${url} cannot be read: ${cause.message}.`, { cause })
  }
}
