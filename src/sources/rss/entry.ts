import { createHash } from 'node:crypto'
import type { Fault } from '../../record/fault.ts'
import { readFeedDate } from './date.ts'
import { EntryBadDateFault, EntryBadLinkFault } from './fault.ts'
import { present, type ParsedEntry, type ParsedFeed } from './parsed.ts'

/** The value of an entry's record; what the feed does not say is left out. */
export interface Entry {
  /** The feed's URL as configured, without user and password. */
  readonly feed: string
  readonly guid?: string
  /** Plain text. */
  readonly title?: string
  readonly link?: string
  /** Text as delivered: HTML stays HTML, its references and CDATA in the feed resolved. */
  readonly summary?: string
  readonly content?: string
  readonly authors?: readonly string[]
  readonly categories?: readonly string[]
  readonly language?: string
  /** As configured, else the feed that the entry was taken over from, else this feed's title, else its host. */
  readonly source: string
  readonly source_weight?: number
  readonly published_at?: string
  readonly updated_at?: string
  /** What could not be read, as it was written. */
  readonly published_raw?: string
  readonly updated_raw?: string
  readonly link_raw?: string
  readonly fetched_at: string
}

/** Where an entry was found. */
export interface Surroundings {
  readonly feed: ParsedFeed
  /** The feed's URL for values. */
  readonly url: string
  /** Where the document came from after redirects. */
  readonly documentUrl: string
  readonly source?: string | undefined
  readonly weight?: number | undefined
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number
}

/** An entry as a record's value, and the fault of what could not be read. */
export function toEntry(parsed: ParsedEntry, around: Surroundings): { readonly value: Entry; readonly fault?: Fault } {
  const { feed, url, documentUrl } = around
  const published = time('published', parsed.published)
  const updated = time('updated', parsed.updated)
  const link = absolute(parsed.link, [documentUrl, feed.base, parsed.base])
  const authors = parsed.authors.length > 0 ? parsed.authors : feed.authors
  const value = present({
    feed: url,
    guid: parsed.guid,
    title: parsed.title,
    link: link.url,
    summary: parsed.summary,
    content: parsed.content,
    authors: authors.length > 0 ? authors : undefined,
    categories: parsed.categories.length > 0 ? parsed.categories : undefined,
    language: parsed.language ?? feed.language,
    source: around.source ?? parsed.source ?? feedName(feed, url),
    source_weight: around.weight,
    published_at: published.at,
    updated_at: updated.at,
    published_raw: published.raw,
    updated_raw: updated.raw,
    link_raw: link.raw,
    fetched_at: new Date(around.fetchedAt).toISOString(),
  })
  const fault = published.fault ?? updated.fault ?? link.fault
  return fault ? { value, fault } : { value }
}

/** What a feed is called: its title, else its host. */
export const feedName = (feed: ParsedFeed, url: string): string => feed.title ?? new URL(url).host

/** The same for the same entry in every poll; another as soon as the feed changes it. */
export const identify = (entry: ParsedEntry): string => {
  const { guid, title, link, summary, content, published, updated } = entry
  return digest(JSON.stringify([guid, title, link, summary, content, published, updated]))
}

/** A short hash: 72 bits, ample for the few hundred that a feed remembers. */
export const digest = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('base64url').slice(0, 12)

interface ReadField {
  readonly raw?: string
  readonly fault?: Fault
}

function time(field: string, text: string | undefined): ReadField & { readonly at?: string } {
  if (text === undefined) return {}
  const at = readFeedDate(text)
  if (at !== undefined) return { at }
  const expected = 'expected a date such as "Tue, 03 Jun 2003 09:39:21 GMT" or "2003-06-03T09:39:21Z"'
  return { raw: text, fault: new EntryBadDateFault(`Its ${field} time, ${quoted(text)}, cannot be read: ${expected}.`) }
}

/** Schemes that would run, reveal or smuggle something where a reader follows them. */
const harmful = ['javascript:', 'vbscript:', 'data:', 'file:', 'blob:', 'about:']

function absolute(
  text: string | undefined,
  bases: readonly (string | undefined)[],
): ReadField & { readonly url?: string } {
  if (text === undefined) return {}
  const base = bases.reduce<string | undefined>((from, next) => resolved(next, from) ?? from, undefined)
  const url = resolved(text, base)
  if (url !== undefined && !harmful.includes(new URL(url).protocol)) return { url }
  const expected = 'expected a URL of the web, absolute or relative to the feed'
  return { raw: text, fault: new EntryBadLinkFault(`Its link, ${quoted(text)}, is not one to follow: ${expected}.`) }
}

const resolved = (text: string | undefined, base: string | undefined): string | undefined =>
  text !== undefined && URL.canParse(text, base) ? new URL(text, base).href : undefined

const quoted = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
