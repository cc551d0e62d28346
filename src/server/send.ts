import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../component/context.ts'
import type { Answer } from './answer.ts'

/** A page may load what this server has, and nothing else, send forms to it alone; nobody may put it into a frame. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Sends an answer; one that comes bit by bit ends when nobody listens any more. */
export async function send(
  answer: Answer,
  { method }: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  const { status, type, body, headers } = answer
  response.writeHead(status, {
    'content-type': type,
    ...(typeof body === 'string' && { 'content-length': Buffer.byteLength(body) }),
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  if (method === 'HEAD' || typeof body === 'string') {
    response.end(method === 'HEAD' ? undefined : (body as string))
    return
  }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    for await (const part of body(gone.signal)) if (!response.write(part)) await drained(response)
  } catch (error) {
    if (!gone.signal.aborted)
      log.warn({ error }, `A stream ended: ${error instanceof Error ? error.message : String(error)}`)
  }
  response.end()
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
