import { FeedUnreadableFault } from './fault.ts'
import { present, type ParsedEntry, type ParsedFeed } from './parsed.ts'
import { oneLine } from './text.ts'

interface Fields {
  readonly [name: string]: unknown
}

/** A JSON Feed (1.0, 1.1), its items as they stand. @throws FeedUnreadableFault when it is none */
export function parseJsonFeed(text: string): { readonly feed: ParsedFeed; readonly items: readonly unknown[] } {
  const document = parse(text)
  if (!isFields(document) || !Array.isArray(document['items'])) {
    throw new FeedUnreadableFault('The document is JSON, but no JSON Feed: it has no list of items.')
  }
  const feed = present({
    title: line(document['title']),
    language: line(document['language']),
    base: line(document['home_page_url']),
    authors: authorsOf(document),
  })
  return { feed, items: document['items'] }
}

/** An item of a JSON Feed; undefined where it is not an object with anything of an entry in it. */
export function parseJsonItem(item: unknown): ParsedEntry | undefined {
  if (!isFields(item)) return undefined
  const entry = present({
    guid: line(item['id']),
    title: line(item['title']),
    link: line(item['url']) ?? line(item['external_url']),
    summary: trimmed(item['summary']),
    content: trimmed(item['content_html']) ?? trimmed(item['content_text']),
    authors: authorsOf(item),
    categories: lines(item['tags']),
    language: line(item['language']),
    published: line(item['date_published']),
    updated: line(item['date_modified']),
  })
  return (entry.guid ?? entry.title ?? entry.link ?? entry.summary ?? entry.content) ? entry : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new FeedUnreadableFault(`The document is no whole JSON: ${(cause as Error).message}.`, { cause })
  }
}

/** `authors` of version 1.1, or `author` of 1.0. */
function authorsOf({ authors, author }: Fields): readonly string[] {
  const people: readonly unknown[] = Array.isArray(authors) ? authors : [author]
  return lines(people.map((person) => (isFields(person) ? (line(person['name']) ?? person['url']) : person)))
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const trimmed = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.trim() || undefined : typeof value === 'number' ? String(value) : undefined

const line = (value: unknown): string | undefined => oneLine(trimmed(value) ?? '')

const lines = (values: unknown): readonly string[] =>
  Array.isArray(values) ? [...new Set(values.flatMap((value) => line(value) ?? []))] : []
