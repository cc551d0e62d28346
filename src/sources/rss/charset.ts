import { FeedUnreadableFault } from './fault.ts'

/** A document whose markup can be read byte by byte as ASCII, whatever stands between it. */
export interface Encoded {
  readonly bytes: Buffer
  /** What the bytes are in, as a label that TextDecoder knows. */
  readonly charset: string
}

const marks = [
  { charset: 'utf-8', bytes: Buffer.from([0xef, 0xbb, 0xbf]) },
  { charset: 'utf-16be', bytes: Buffer.from([0xfe, 0xff]) },
  { charset: 'utf-16le', bytes: Buffer.from([0xff, 0xfe]) },
]

/**
 * Finds what charset a document is in: a byte order mark decides, then the HTTP header, then the XML declaration, else
 * it is UTF-8. Where header and declaration differ, UTF-8 wins if one of them says so and every byte agrees; then
 * whichever all bytes agree with.
 * @throws FeedUnreadableFault when no charset it names is known, or UTF-16 is broken
 */
export function findCharset(bytes: Buffer, contentType: string): Encoded {
  const mark = marks.find((candidate) => bytes.subarray(0, candidate.bytes.length).equals(candidate.bytes))
  if (mark) return asciiBased(bytes.subarray(mark.bytes.length), mark.charset)
  if (bytes[0] === 0 && bytes[1] !== 0) return asciiBased(bytes, 'utf-16be')
  if (bytes[0] !== 0 && bytes[1] === 0) return asciiBased(bytes, 'utf-16le')

  const named = [headerCharset(contentType), declaredCharset(bytes)].filter((name) => name !== undefined)
  const known = named.flatMap((name) => canonical(name) ?? [])
  if (named.length > 0 && known.length === 0) throw new FeedUnreadableFault(`The charset "${named[0]}" is not known.`)
  const [first = 'utf-8'] = known
  const candidates = known.includes('utf-8') ? ['utf-8', ...known] : known
  return asciiBased(bytes, candidates.find((charset) => decode(bytes, charset) !== undefined) ?? first)
}

/** The text of bytes in a charset; undefined where they are not of it. */
export function decode(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    if (cause instanceof TypeError) return undefined
    throw cause
  }
}

function asciiBased(bytes: Buffer, charset: string): Encoded {
  if (!/^utf-16|^iso-2022/.test(charset)) return { bytes, charset }
  const text = decode(bytes, charset)
  if (text === undefined) throw new FeedUnreadableFault(`The document is not the ${charset} that it begins as.`)
  return { bytes: Buffer.from(text), charset: 'utf-8' }
}

const headerCharset = (contentType: string): string | undefined =>
  /charset\s*=\s*["']?([^\s;"']+)/i.exec(contentType)?.[1]

function declaredCharset(bytes: Buffer): string | undefined {
  const declaration = /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']/.exec(bytes.toString('latin1', 0, 1_024))
  // Bytes that spell the declaration out cannot be UTF-16.
  return declaration?.[1]?.replace(/^utf-16.*|^ucs-?2$/i, 'utf-8')
}

function canonical(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding
  } catch (cause) {
    if (cause instanceof RangeError) return undefined
    throw cause
  }
}
