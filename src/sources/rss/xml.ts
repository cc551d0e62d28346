import { parseAtomFeed, parseRdfFeed, parseRssFeed, type AtomFeed, type RdfFeed, type RssFeed } from 'feedsmith'
import type { FeedKind } from './outline.ts'
import { present, type ParsedEntry, type ParsedFeed } from './parsed.ts'
import { oneLine, plainText } from './text.ts'

export interface ParsedXml {
  readonly feed: ParsedFeed
  /** Without those that have nothing in them. */
  readonly entries: readonly ParsedEntry[]
}

type RssItem = RssFeed.Item<string> & RdfFeed.Item<string>
type Link = AtomFeed.Link<string>

/**
 * Reads a whole document.
 * @throws feedsmith's ParseError when there is nothing in it, other errors when it cannot be read
 */
export function parseXml(kind: FeedKind, xml: string): ParsedXml {
  const text = xml.replace(bareAmpersand, (found) => (found === '&' ? '&amp;' : found))
  if (kind === 'rss') return fromRss(parseRssFeed(text))
  if (kind === 'rdf') return fromRss(parseRdfFeed(text))
  return fromAtom(parseAtomFeed(text))
}

/** "&" that begins no reference, as in a URL's query; CDATA is stepped over. */
const bareAmpersand = /<!\[CDATA\[.*?\]\]>|&(?!(?:#\d+|#x[\da-f]+|[a-z][a-z\d]*);)/gis

function fromRss(feed: RssFeed.Feed<string> | RdfFeed.Feed<string>): ParsedXml {
  const items: readonly RssItem[] = feed.items ?? []
  const language = 'language' in feed ? feed.language : undefined
  return {
    feed: present({
      title: plain(feed.title),
      language: language ?? feed.dc?.languages?.[0] ?? feed.xml?.lang,
      base: feed.xml?.base ?? feed.link,
      authors: [],
    }),
    entries: items.map(rssEntry),
  }
}

function rssEntry(item: RssItem): ParsedEntry {
  const { guid, dc, dcterms, atom } = item
  const authors = [
    ...(item.authors ?? []).map(({ name, email, link }) => name ?? email ?? link),
    ...(dc?.creators ?? []),
  ]
  const permalink = guid?.isPermaLink !== false && /^https?:\/\//i.test(guid?.value ?? '') ? guid?.value : undefined
  return present({
    guid: guid?.value ?? item.rdf?.about ?? atom?.id,
    title: plain(item.title ?? dc?.titles?.[0]),
    link: item.link ?? alternate(atom?.links) ?? permalink,
    base: item.xml?.base,
    summary: item.description,
    content: item.content?.encoded,
    authors: distinct(authors),
    categories: distinct([...(item.categories ?? []).map(({ name }) => name), ...(dc?.subjects ?? [])]),
    language: dc?.languages?.[0] ?? item.xml?.lang,
    source: plain(item.source?.title),
    published: item.pubDate ?? dc?.dates?.[0] ?? dcterms?.issued?.[0] ?? atom?.published,
    updated: atom?.updated ?? dcterms?.modified?.[0],
  })
}

function fromAtom(feed: AtomFeed.Feed<string>): ParsedXml {
  return {
    feed: present({
      title: plainOf(feed.title),
      language: feed.xml?.lang,
      base: feed.xml?.base ?? alternate(feed.links),
      authors: names(feed.authors),
    }),
    entries: (feed.entries ?? []).map(atomEntry),
  }
}

function atomEntry(entry: AtomFeed.Entry<string>): ParsedEntry {
  return present({
    guid: entry.id,
    title: plainOf(entry.title),
    link: alternate(entry.links),
    base: entry.xml?.base,
    summary: entry.summary?.value,
    content: entry.content?.value,
    authors: names(entry.authors ?? entry.source?.authors),
    categories: distinct((entry.categories ?? []).map(({ label, term }) => label ?? term)),
    language: entry.xml?.lang,
    source: plainOf(entry.source?.title),
    published: entry.published,
    updated: entry.updated,
  })
}

/** The page that a feed or an entry is about; an address of itself where none is given. */
function alternate(links: readonly Link[] = []): string | undefined {
  const pages = links.filter(({ rel = 'alternate' }) => rel === 'alternate')
  const page = pages.find(({ type = 'text/html' }) => /html/i.test(type)) ?? pages[0]
  return (page ?? links.find(({ rel }) => rel === 'self'))?.href
}

const names = (people: readonly AtomFeed.Person[] = []): readonly string[] =>
  distinct(people.map(({ name, email, uri }) => name ?? email ?? uri))

const plain = (text: string | undefined): string | undefined => (text === undefined ? undefined : plainText(text))

/** Atom says whether its text is HTML. */
const plainOf = (text: AtomFeed.Text | undefined): string | undefined =>
  text && (/html/i.test(text.type ?? 'text') ? plainText(text.value) : oneLine(text.value))

const distinct = (texts: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(texts.flatMap((text) => (text === undefined ? [] : (oneLine(text) ?? [])))),
]
