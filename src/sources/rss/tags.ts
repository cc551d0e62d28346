import { FeedUnreadableFault } from './fault.ts'

/** A piece of markup: a tag, "broken" where it runs into the next one or is too long for one, or something "else" that is passed over. */
export interface Tag {
  readonly type: 'open' | 'close' | 'empty' | 'broken' | 'doctype' | 'else'
  /** In lower case, with its prefix. */
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Bytes of a tag with its attributes. */
const maxTag = 65_536
const namePattern = /<\/?([a-z_:\x80-\xff][^\s/<>"'=]*)/iy

/**
 * The markup of XML, piece by piece; comments, CDATA sections and processing instructions are one each. No entity is
 * ever expanded.
 * @throws FeedUnreadableFault where the text ends within one of them, or a DOCTYPE declares entities
 */
export function* tags(text: string): Generator<Tag, void> {
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    const tag = passedOver(text, at) ?? (isDoctype(text, at) ? doctype(text, at) : element(text, at))
    if (tag) yield tag
    at = tag?.end ?? at + 1
  }
}

const passed = [
  { name: 'comment', begin: '<!--', end: '-->' },
  { name: 'CDATA section', begin: '<![CDATA[', end: ']]>' },
  { name: 'processing instruction', begin: '<?', end: '?>' },
] as const

function passedOver(text: string, start: number): Tag | undefined {
  const piece = passed.find(({ begin }) => text.startsWith(begin, start))
  if (!piece) return undefined
  const end = text.indexOf(piece.end, start + piece.begin.length)
  if (end === -1) throw cutShort(`a ${piece.name}`)
  return { type: 'else', name: piece.name, start, end: end + piece.end.length }
}

function element(text: string, start: number): Tag | undefined {
  namePattern.lastIndex = start
  const match = namePattern.exec(text)
  if (!match) return undefined
  const name = match[1]!.toLowerCase()
  const stops = /["'<>]/g
  stops.lastIndex = namePattern.lastIndex
  for (let stop = stops.exec(text); stop; stop = stops.exec(text)) {
    const end = stops.lastIndex
    if (stop[0] === '<') return { type: 'broken', name, start, end: end - 1 }
    if (stop[0] === '>') return { type: typeOf(text, start, end), name, start, end }
    // A quoted value, which holds no "<".
    const quote = stop[0] === '"' ? /["<]/g : /['<]/g
    quote.lastIndex = end
    const closing = quote.exec(text)
    if (!closing) break
    if (closing[0] === '<') return { type: 'broken', name, start, end: closing.index }
    stops.lastIndex = quote.lastIndex
  }
  throw cutShort(`the tag <${name}>`)
}

function typeOf(text: string, start: number, end: number): Tag['type'] {
  if (end - start > maxTag) return 'broken'
  if (text[start + 1] === '/') return 'close'
  return text[end - 2] === '/' ? 'empty' : 'open'
}

function doctype(text: string, start: number): Tag {
  const stop = /[[>]/g
  stop.lastIndex = start
  const found = stop.exec(text)
  const close = found?.[0] === '[' ? /\]\s*>/g : />/g
  close.lastIndex = found?.index ?? text.length
  if (!close.exec(text)) throw cutShort('its DOCTYPE')
  // Parameter entities that name a file (the HTML character names of RSS 0.91) are harmless, as no file is ever read.
  if (/<!entity\s+(?!%)/i.test(text.slice(start, close.lastIndex))) {
    throw new FeedUnreadableFault('The document declares entities of its own, which are never expanded.')
  }
  return { type: 'doctype', name: 'doctype', start, end: close.lastIndex }
}

const isDoctype = (text: string, at: number): boolean => /^<!doctype/i.test(text.slice(at, at + 9))

const cutShort = (where: string): FeedUnreadableFault =>
  new FeedUnreadableFault(`The document is cut short: it ends within ${where}.`)
