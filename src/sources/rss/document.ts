import { ParseError } from 'feedsmith'
import { decode, findCharset, type Encoded } from './charset.ts'
import { FeedUnreadableFault } from './fault.ts'
import { parseJsonFeed, parseJsonItem } from './json.ts'
import { outline, type EntrySpan, type FeedKind, type Outline } from './outline.ts'
import type { ParsedEntry, ParsedFeed } from './parsed.ts'
import { parseXml } from './xml.ts'

/** Entries given to the parser at once: each call has a price of its own, about that of ten entries. */
const parsedAtOnce = 100

/** A feed document, read. */
export interface FeedDocument {
  readonly feed: ParsedFeed
  readonly entries: readonly DocumentEntry[]
  /** What is wrong outside the entries. */
  readonly damage?: string
}

/** An entry, or what is wrong with it. */
export type DocumentEntry = { readonly entry: ParsedEntry } | { readonly damage: string; readonly bytes: Buffer }

/**
 * Reads RSS 0.9x, 1.0 and 2.0, Atom and JSON Feed. Damage stays with the entry that it is in.
 * @param contentType the HTTP header, or ''
 * @throws FeedUnreadableFault when it is no feed, not a whole one, or built to do harm
 */
export function readDocument(document: Buffer, contentType: string): FeedDocument {
  if (document.length === 0) throw new FeedUnreadableFault('The document is empty.')
  const encoded = findCharset(document, contentType)
  // One character a byte: positions in the text are positions in the bytes.
  const text = encoded.bytes.toString('latin1')
  return /^\s*[[{]/.test(text) ? readJson(encoded) : readXml(encoded, outline(text))
}

function readJson({ bytes, charset }: Encoded): FeedDocument {
  const text = decode(bytes, charset)
  if (text === undefined) throw new FeedUnreadableFault(`The document has bytes that are not ${charset}.`)
  const { feed, items } = parseJsonFeed(text)
  const entries = items.map((item) => {
    const entry = parseJsonItem(item)
    return entry ? { entry } : { damage: 'it has nothing of an entry in it', bytes: Buffer.from(JSON.stringify(item)) }
  })
  return { feed, entries }
}

function readXml({ bytes, charset }: Encoded, { kind, entries: spans, frame, damage }: Outline): FeedDocument {
  const decodeAny = (latin1: string): string => new TextDecoder(charset).decode(Buffer.from(latin1, 'latin1'))

  function parse(parts: readonly Part[]): readonly ParsedEntry[] | Error {
    const { opening = '', closing = '' } = parts[0]?.span ?? {}
    try {
      const { entries } = parseXml(
        kind,
        decodeAny(opening) + parts.map(({ text }) => text).join('') + decodeAny(closing),
      )
      return entries.length === parts.length ? entries : new Error('it has nothing of an entry in it')
    } catch (cause) {
      return cause instanceof ParseError ? new Error('it is empty') : reasonOf(cause)
    }
  }

  const damaged = ({ start, end }: EntrySpan, why: string): DocumentEntry => ({
    damage: why,
    bytes: bytes.subarray(start, end),
  })

  /** At once where that gives each its entry, else one by one. */
  function readParts(parts: readonly Part[]): readonly DocumentEntry[] {
    const read = parse(parts)
    if (!(read instanceof Error)) return read.map((entry) => ({ entry }))
    return parts.length === 1 ? [damaged(parts[0]!.span, read.message)] : parts.flatMap((part) => readParts([part]))
  }

  const entries: DocumentEntry[] = []
  let parts: Part[] = []
  const flush = (): void => {
    if (parts.length > 0) entries.push(...readParts(parts))
    parts = []
  }
  for (const span of spans) {
    const text = span.damage === undefined ? decode(bytes.subarray(span.start, span.end), charset) : undefined
    if (text === undefined || span.opening !== parts[0]?.span.opening || parts.length === parsedAtOnce) flush()
    if (text === undefined) entries.push(damaged(span, span.damage ?? `it has bytes that are not ${charset}`))
    else parts.push({ span, text })
  }
  flush()

  const read = readFrame(kind, decodeAny(frame))
  return { ...read, entries, ...(damage !== undefined && { damage }) }
}

interface Part {
  readonly span: EntrySpan
  readonly text: string
}

function readFrame(kind: FeedKind, frame: string): Omit<FeedDocument, 'entries'> {
  try {
    return { feed: parseXml(kind, frame).feed }
  } catch (cause) {
    const feed = { authors: [] }
    // Of a feed that says nothing of itself, nothing is missing.
    return cause instanceof ParseError ? { feed } : { feed, damage: reasonOf(cause).message }
  }
}

/** The parser says why in the error's cause. */
const reasonOf = (thrown: unknown): Error => {
  const error = thrown as Error
  return error.cause instanceof Error ? error.cause : error
}
