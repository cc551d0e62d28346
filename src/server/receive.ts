import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { Problem } from './problem.ts'

/** The most that a request may bring, in bytes. */
const mostBody = 1_048_576
/** The longest address, in characters. */
export const longestAddress = 8_192
/** Of all headers together, in bytes. */
export const mostHeaders = 16_384

const types = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
} as const

/** Reads what a POST brings. @throws Problem 400, 413 or 415 */
export async function bodyOf(request: IncomingMessage, brings: keyof typeof types): Promise<Buffer> {
  const given = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (given !== types[brings])
    throw new Problem(415, `It is to be sent as content-type ${types[brings]}.`, { accept: types[brings] })
  if (request.headers['content-encoding'] !== undefined)
    throw new Problem(415, 'It is to be sent without a content-encoding.')
  if (Number(request.headers['content-length'] ?? 0) > mostBody) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBody) throw tooLarge()
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  if (!isUtf8(body)) throw new Problem(400, 'The body is not UTF-8.')
  return body
}

/** The rest of it is not read: the connection ends. */
const tooLarge = () => new Problem(413, `A request may bring ${mostBody} bytes at most.`, { connection: 'close' })
