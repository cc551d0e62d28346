import { z } from 'zod'
import type { Fetcher, FetchResponse } from '../../component/fetch.ts'
import { HttpStatusFault } from '../../component/httpFault.ts'
import type { SourceRecord } from '../../component/source.ts'
import type { Fault } from '../../record/fault.ts'
import type { DocumentEntry, FeedDocument } from './document.ts'
import { digest, feedName, identify, toEntry, type Surroundings } from './entry.ts'
import { EntryDamagedFault, FeedDamagedFault, FeedUnreadableFault } from './fault.ts'

/** A feed as configured. */
export interface Subscription {
  readonly url: string
  readonly source?: string | undefined
  readonly weight?: number | undefined
}

/** What is remembered of a feed between polls. */
export const feedState = z.object({
  etag: z.string().optional(),
  modified: z.string().optional(),
  /** Entries that were read: those of the last document first, then those that have left it. */
  seen: z.array(z.string()).default([]),
  /** The document that could not be read last, or what was wrong around its entries. */
  damaged: z.string().optional(),
})
export type FeedState = z.output<typeof feedState>

/** A record with when its entry was published or updated, milliseconds since the epoch, where that is known. */
export type DatedRecord = SourceRecord & { readonly at?: number }

/** What a look at a feed gave: the records of what is new in it, and what to remember along with them. */
export interface Look {
  readonly records: readonly DatedRecord[]
  readonly state: FeedState
}

export interface LookContext {
  readonly fetcher: Fetcher
  readonly lenient: boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** How many entries are remembered at least, so that one which left the document may come back unnoticed. */
const remembered = 300
const accept = 'application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5'

/**
 * One look at a feed.
 * @throws the faults of a request that did not bring a document
 */
export async function look(
  feed: Subscription,
  state: FeedState,
  context: LookContext,
  signal: AbortSignal,
): Promise<Look> {
  const { fetcher, lenient, now } = context
  const headers = {
    accept,
    'user-agent': 'oxbow',
    ...(state.etag !== undefined && { 'if-none-match': state.etag }),
    ...(state.modified !== undefined && { 'if-modified-since': state.modified }),
  }
  const response = await fetcher.fetch(feed.url, { headers, signal })
  if (response.status === 304) return { records: [], state }
  if (response.status !== 200) throw new HttpStatusFault(response.status, fetcher.show(feed.url))

  const url = withoutUser(feed.url)
  const wrong = (what: string): string => `${fetcher.show(feed.url)}: ${what}`
  const document = await read(response)
  if (document instanceof Error) {
    const damaged = digest(response.body)
    if (damaged === state.damaged) return { records: [], state }
    const fault = new FeedUnreadableFault(wrong(document.message), { cause: document })
    const name = feed.source ?? new URL(url).host
    // Without the validators of this answer, as the whole document may come under the same ones.
    return { records: [documentRecord(name, url, response, fault)], state: { ...state, damaged } }
  }

  const name = feed.source ?? feedName(document.feed, url)
  const around = { ...feed, feed: document.feed, url, documentUrl: response.url, fetchedAt: now() }
  const found = new Map(document.entries.map((entry) => [identityOf(entry), entry]))
  const seen = new Set(state.seen)
  const records = [...found]
    .filter(([identity]) => !seen.has(identity))
    .map(([, entry]) => entryRecord(entry, around, name, lenient))

  const damaged = document.damage === undefined ? undefined : digest(document.damage)
  if (damaged !== undefined && damaged !== state.damaged) {
    const fault = new FeedDamagedFault(wrong(`The document is damaged outside its entries: ${document.damage}.`))
    records.push(documentRecord(name, url, response, fault))
  }
  return { records, state: nextState(response, [...found.keys()], state, damaged) }
}

/** The parser is loaded with the first document: it takes a fifth of a second, which a start shall not wait for. */
async function read(response: FetchResponse): Promise<FeedDocument | Error> {
  const { readDocument } = await import('./document.ts')
  try {
    return readDocument(response.body, response.headers.get('content-type') ?? '')
  } catch (cause) {
    return cause as Error
  }
}

const identityOf = (entry: DocumentEntry): string => ('entry' in entry ? identify(entry.entry) : digest(entry.bytes))

function entryRecord(entry: DocumentEntry, around: Surroundings, name: string, lenient: boolean): DatedRecord {
  if ('damage' in entry) {
    const fault = new EntryDamagedFault(`The entry is damaged: ${entry.damage}.`)
    return { key: Buffer.from(name), value: entry.bytes, headers: [['feed', Buffer.from(around.url)]], fault }
  }
  const { value, fault } = toEntry(entry.entry, around)
  const at = Date.parse(value.published_at ?? value.updated_at ?? '')
  const record = {
    key: Buffer.from(value.source),
    value: Buffer.from(JSON.stringify(value)),
    ...(!Number.isNaN(at) && { at }),
  }
  return fault && !lenient ? { ...record, fault } : record
}

const documentRecord = (name: string, url: string, { body, headers }: FetchResponse, fault: Fault): SourceRecord => ({
  key: Buffer.from(name),
  value: body,
  headers: [
    ['feed', Buffer.from(url)],
    ['content-type', Buffer.from(headers.get('content-type') ?? '')],
  ],
  fault,
})

function nextState(
  { headers }: FetchResponse,
  now: string[],
  before: FeedState,
  damaged: string | undefined,
): FeedState {
  const current = new Set(now)
  const left = before.seen.filter((identity) => !current.has(identity))
  const seen = [...now, ...left].slice(0, Math.max(2 * now.length, remembered))
  const etag = headers.get('etag')
  const modified = headers.get('last-modified')
  return { ...(etag && { etag }), ...(modified && { modified }), seen, ...(damaged !== undefined && { damaged }) }
}

function withoutUser(address: string): string {
  const url = new URL(address)
  url.username = url.password = ''
  return url.href === new URL(address).href ? address : url.href
}
