import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'
import { HttpBodyTooLargeFault, HttpUnavailableFault } from './httpFault.ts'

export interface BodyLimits {
  /** Largest body, in bytes, before and after each decompression. */
  readonly maxBytes: number
  /** Whether Content-Length speaks of this body: not when it answers HEAD. */
  readonly hasLength: boolean
  /** The URL for messages. */
  readonly url: string
}

const maxEncodings = 3
const ungzip = promisify(gunzip)
const unbrotli = promisify(brotliDecompress)
const undeflate = promisify(inflate)
const undeflateRaw = promisify(inflateRaw)

/**
 * A whole body, decompressed as its headers say.
 * @throws HttpBodyTooLargeFault as soon as the limit is passed, HttpUnavailableFault for a body that breaks off
 */
export async function readBody(body: Readable, headers: Headers, limits: BodyLimits): Promise<Buffer> {
  let bytes = await readBytes(body, headers, limits)
  const encodings = (headers.get('content-encoding') ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
  if (encodings.length > maxEncodings) {
    throw new HttpUnavailableFault(`${limits.url} encodes its body ${encodings.length} times over.`)
  }
  if (bytes.length === 0) return bytes
  for (const encoding of encodings.reverse()) bytes = await decoded(bytes, encoding, limits)
  return bytes
}

async function readBytes(body: Readable, headers: Headers, limits: BodyLimits): Promise<Buffer> {
  // Giving up the body makes it emit an error that says so.
  body.on('error', () => undefined)
  if (limits.hasLength && Number(headers.get('content-length') ?? 0) > limits.maxBytes) {
    body.destroy()
    throw tooLarge(limits)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limits.maxBytes) throw tooLarge(limits)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function decoded(bytes: Buffer, encoding: string, limits: BodyLimits): Promise<Buffer> {
  const options = { maxOutputLength: limits.maxBytes }
  try {
    switch (encoding) {
      case 'identity':
        return bytes
      case 'gzip':
      case 'x-gzip':
        return await ungzip(bytes, options)
      case 'br':
        return await unbrotli(bytes, options)
      case 'deflate':
        return await (hasZlibHeader(bytes) ? undeflate : undeflateRaw)(bytes, options)
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limits)
    throw new HttpUnavailableFault(`${limits.url} sent a body that is not ${encoding}: ${(cause as Error).message}.`, {
      cause,
    })
  }
  throw new HttpUnavailableFault(`${limits.url} encodes its body as "${encoding}", which was not asked for.`)
}

/** Some servers send "deflate" without the header it should have. */
const hasZlibHeader = (bytes: Buffer): boolean => (bytes[0]! & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0

const tooLarge = ({ url, maxBytes }: BodyLimits): HttpBodyTooLargeFault =>
  new HttpBodyTooLargeFault(`The body of ${url} is larger than ${maxBytes} bytes.`)
