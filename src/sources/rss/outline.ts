import { FeedUnreadableFault } from './fault.ts'
import { tags, type Tag } from './tags.ts'

/** Where an entry stands in the document. */
export interface EntrySpan {
  readonly start: number
  readonly end: number
  /** The start tags around it, which declare its namespaces, and the end tags that go with them. */
  readonly opening: string
  readonly closing: string
  /** What is wrong with its markup. */
  readonly damage?: string
}

export interface Outline {
  readonly kind: FeedKind
  readonly entries: readonly EntrySpan[]
  /** The document without its entries and what precedes its root. */
  readonly frame: string
  /** What is wrong with the markup outside the entries. */
  readonly damage?: string
}

export type FeedKind = 'rss' | 'rdf' | 'atom'

const kinds: { readonly [root: string]: FeedKind } = { rss: 'rss', rdf: 'rdf', feed: 'atom' }
const maxEntries = 10_000
const maxDepth = 200

/** Elements whose content is read as text up to their end tag, so that sloppy HTML in it damages nothing else. */
const textual = new Set(['title', 'description', 'summary', 'content', 'encoded', 'subtitle'])
/** Elements that an entry has once: two of them are two entries run into one. */
const single = new Set(['title', 'pubdate', 'id', 'published', 'updated'])
/** HTML that is often left open, or closed without having been opened. */
const sloppy = new Set(
  'a abbr area b blockquote br center code col dd div dl dt em embed font form h1 h2 h3 h4 h5 h6 hr i img input li nobr ol option p param pre s small span strike strong sub sup table tbody td tfoot th thead tr tt u ul wbr'.split(
    ' ',
  ),
)

/** Elements of RSS that the parser searches for names and addresses, at a cost that grows with the square of their size. */
const people = new Set(['author', 'managingeditor', 'webmaster'])
const maxPeopleWork = 100_000_000

interface Element {
  readonly name: string
  /** Where its content begins. */
  readonly from: number
  readonly tag: string
}

/**
 * Divides a feed into its entries, so that each can be read on its own and what is damaged harms no other.
 * @param text the document, one character a byte
 * @throws FeedUnreadableFault when it is no feed, is cut short, or is built to do harm
 */
export function outline(text: string): Outline {
  const entries: EntrySpan[] = []
  /** Elements that stand open, root first. */
  let open: Element[] = []
  let entry: { readonly depth: number; readonly start: number; readonly has: Set<string>; damage?: string } | undefined
  let kind: FeedKind | undefined
  let damage: string | undefined
  let frame = ''
  let framed = 0
  let rootEnd = -1
  let peopleWork = 0

  const harm = (what: string): void => {
    if (entry) entry.damage ??= what
    else damage ??= what
  }

  function begin({ name, start, end, type }: Tag): void {
    // An entry stands right in its channel, its feed or the RDF root.
    const parents = open.filter((element, depth) => depth === 0 || local(element.name) === 'channel')
    if (parents.length < open.length) harm(`<${open.at(-1)!.name}> is not closed before <${name}>`)
    open = parents
    if (entries.length === maxEntries)
      throw new FeedUnreadableFault(`The document has more than ${maxEntries} entries.`)
    frame += text.slice(framed, start)
    entry = { depth: open.length, start, has: new Set() }
    open.push({ name, from: end, tag: text.slice(start, end) })
    if (type === 'empty') finish(end)
  }

  function finish(end: number): void {
    const { depth, start, damage } = entry!
    open = open.slice(0, depth)
    entries.push({
      start,
      end,
      opening: open.map(({ tag }) => tag).join(''),
      closing: open
        .map(({ name }) => `</${name}>`)
        .reverse()
        .join(''),
      ...(damage !== undefined && { damage }),
    })
    entry = undefined
    framed = end
  }

  function push({ name, start, end, type }: Tag): void {
    const isEntry = local(name) === (kind === 'atom' ? 'entry' : 'item')
    if (isEntry && !(entry && type === 'empty')) {
      if (entry) {
        harm(`<${name}> begins within another`)
        finish(start)
      }
      return begin({ name, start, end, type })
    }
    if (entry && open.length === entry.depth + 1) {
      const prefix = prefixOf(open[entry.depth]!.name)
      if (entry.has.has(name) && prefixOf(name) === prefix && single.has(local(name)))
        harm(`it has more than one <${name}>`)
      entry.has.add(name)
    }
    if (type === 'empty') return
    if (open.length < maxDepth) open.push({ name, from: end, tag: text.slice(start, end) })
    else if (entry) harm(`it nests more than ${maxDepth} deep`)
    else throw new FeedUnreadableFault(`The document nests more than ${maxDepth} deep.`)
  }

  function close({ name, start, end }: Tag): void {
    const found = open.findLastIndex((element) => element.name === name)
    const child = entry && open[entry.depth + 1]
    const inText = child !== undefined && textual.has(local(child.name))
    if (found === -1) {
      if (!inText || !sloppy.has(name)) harm(`</${name}> closes nothing`)
      return
    }
    if (entry && found < entry.depth) {
      harm(`<${open[entry.depth]!.name}> is not closed before </${name}>`)
      finish(start)
    }
    if (people.has(local(name))) peopleWork += (start - open[found]!.from) ** 2
    if (peopleWork > maxPeopleWork)
      throw new FeedUnreadableFault('The authors of the document are too long to be names.')
    const unclosed = open.slice(found + 1).find((element) => !inText || !sloppy.has(element.name))
    if (unclosed) harm(`<${unclosed.name}> is not closed before </${name}>`)
    if (entry && found === entry.depth) return finish(end)
    open = open.slice(0, found)
    if (found === 0) rootEnd = end
  }

  function enter({ name, type, start, end }: Tag): void {
    kind = type === 'open' || type === 'empty' ? kinds[local(name)] : undefined
    if (!kind)
      throw new FeedUnreadableFault(
        `The document is no feed: it begins with <${name}>, not <rss>, <rdf:RDF> or <feed>.`,
      )
    framed = start
    if (type === 'empty') rootEnd = end
    else open = [{ name, from: end, tag: text.slice(start, end) }]
  }

  let end = 0
  for (const tag of tags(text)) {
    if (open.length === 0 && hasText(text.slice(end, tag.start))) harm('there is text outside of the feed')
    end = tag.end
    if (tag.type === 'else') continue
    if (tag.type === 'doctype') {
      if (kind) throw new FeedUnreadableFault('The document has a DOCTYPE within its root element.')
    } else if (!kind) enter(tag)
    else if (rootEnd !== -1) harm(`<${tag.name}> follows the end of the feed`)
    else if (tag.type === 'broken') harm(`the tag <${tag.name}> is not complete`)
    else if (tag.type === 'close') close(tag)
    else push(tag)
  }

  if (kind === undefined) throw new FeedUnreadableFault('The document is no feed: it has no markup.')
  if (rootEnd === -1) throw new FeedUnreadableFault(`The document is cut short: <${open[0]!.name}> is not closed.`)
  if (hasText(text.slice(end))) harm('there is text outside of the feed')
  frame += text.slice(framed, rootEnd)
  return { kind, entries, frame, ...(damage !== undefined && { damage }) }
}

const prefixOf = (name: string): string => name.slice(0, name.indexOf(':') + 1)
const local = (name: string): string => name.slice(name.indexOf(':') + 1)

const hasText = (text: string): boolean => /[^\s\0]/.test(text)
