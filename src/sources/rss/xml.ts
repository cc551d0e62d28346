import { parseAtomFeed, parseRdfFeed, parseRssFeed, type AtomFeed, type RdfFeed, type RssFeed } from 'feedsmith'
import type { FeedKind } from './outline.ts'
import type { ParsedEntry, ParsedFeed } from './parsed.ts'
import { oneLine, plainText } from './text.ts'

/** A document of one entry, or of none. */
export interface ParsedXml {
  readonly feed: ParsedFeed
  readonly entry?: ParsedEntry
}

type Defined<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** Reads a small, whole document. @throws what the parser throws */
export function parseXml(kind: FeedKind, xml: string): ParsedXml {
  const text = escapeAmpersands(xml)
  switch (kind) {
    case 'atom':
      return fromAtom(parseAtomFeed(text))
    case 'rdf':
      return fromRss(parseRdfFeed(text))
    case 'rss':
      return fromRss(parseRssFeed(text))
  }
}
