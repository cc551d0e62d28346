import type { IncomingMessage, ServerResponse } from 'node:http'
import { finished } from 'node:stream/promises'
import type { Log } from '../../component/context.ts'
import { fieldKey } from '../../component/fieldKey.ts'
import type { SourceRecord } from '../../component/source.ts'
import type { Inbox } from './inbox.ts'

export interface ReceiveOptions {
  readonly config: {
    readonly path: string
    readonly maxBytes: number
    readonly key?: string | { readonly header: string } | undefined
  }
  readonly inbox: Inbox
  readonly log: Log
  /** Aborts when the source is closed. */
  readonly stopped: AbortSignal
}

interface Answer {
  readonly status: number
  readonly body: { readonly accepted: number } | { readonly error: string }
  readonly headers?: { readonly [name: string]: string }
}

const jsonLines = /^application\/(x-)?(ndjson|jsonl|json-?lines|json-seq)\b/i

/** Answers one request: with 202 once its records are durable, else with what is wrong with it. */
export async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  options: ReceiveOptions,
): Promise<void> {
  const { log, stopped } = options
  const abandon = () => void (request.complete || request.destroy())
  stopped.addEventListener('abort', abandon)
  try {
    const { status, headers, body } = refusal(request, options) ?? (await accept(request, options))
    // A sender reads the answer once it has sent its body.
    await finished(request.resume(), { writable: false })
    if (response.destroyed) return void log.debug({ status }, 'a sender did not wait for its answer')
    response.writeHead(status, { ...headers, 'content-type': 'application/json' })
    await new Promise<void>((sent) => response.once('close', sent).end(`${JSON.stringify(body)}\n`))
  } catch (problem) {
    log.debug({ error: (problem as Error).message }, 'a sender went away before its request was complete')
  } finally {
    stopped.removeEventListener('abort', abandon)
  }
}

/** Why a request is not even read. */
function refusal(
  { url = '', method, headers }: IncomingMessage,
  { config, stopped }: ReceiveOptions,
): Answer | undefined {
  const how = `POST one JSON record, or many as JSON lines with content-type: application/x-ndjson, to ${config.path}`
  if (url.split('?', 1)[0] !== config.path) return refuse(404, `There is nothing here: ${how}.`)
  if (method !== 'POST') return refuse(405, `${method} is not taken: ${how}.`, { allow: 'POST' })
  // Browsers send it with every cross-site POST: a page that is open nearby shall not write here.
  if (headers.origin !== undefined)
    return refuse(403, 'Requests from web pages are refused: send without an origin header.')
  if (/^multipart\//i.test(headers['content-type'] ?? '')) return refuse(415, `Multipart bodies are not taken: ${how}.`)
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') return refuse(415, `A body encoded as ${encoding} is not taken: send it as it is.`)
  if (Number(headers['content-length'] ?? 0) > config.maxBytes) return tooLarge(config.maxBytes)
  return stopped.aborted ? notDurable('The pipeline stops.') : undefined
}

async function accept(request: IncomingMessage, { config, inbox }: ReceiveOptions): Promise<Answer> {
  const room = Number(request.headers['content-length'] ?? config.maxBytes)
  if (!inbox.reserve(room)) return notDurable('Too many records wait to be written.')
  try {
    const body = await readBody(request, config.maxBytes)
    if (!body) return tooLarge(config.maxBytes)
    const records = recordsIn(body, request, config.key)
    if (records.length === 0) return refuse(400, 'The body is empty: it should be a JSON record.')
    const problem = await new Promise<Error | undefined>((settle) => inbox.add({ records, settle }))
    return problem ? notDurable(problem.message) : { status: 202, body: { accepted: records.length } }
  } finally {
    inbox.release(room)
  }
}

/** The whole body, or nothing when it is too large: then it is read to its end, and none of it is kept. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= maxBytes) chunks.push(chunk)
    else chunks.length = 0
  }
  return length <= maxBytes ? Buffer.concat(chunks, length) : undefined
}

function recordsIn(body: Buffer, { headers }: IncomingMessage, key: ReceiveOptions['config']['key']): SourceRecord[] {
  const values = jsonLines.test(headers['content-type'] ?? '') ? linesOf(body) : [body]
  return values.filter((value) => !isBlank(value)).map((value) => ({ key: keyOf(value), value }))

  function keyOf(value: Buffer): Buffer | null {
    if (key === undefined) return null
    if (typeof key === 'string') return fieldKey(key)(value)
    const header = headers[key.header.toLowerCase()]
    return header === undefined ? null : Buffer.from(String(header))
  }
}

function linesOf(body: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start < body.length;) {
    const found = body.indexOf('\n', start)
    const end = found === -1 ? body.length : found
    lines.push(body.subarray(start, body[end - 1] === 13 ? end - 1 : end))
    start = end + 1
  }
  return lines
}

const isBlank = (value: Buffer): boolean => value.every((byte) => byte === 32 || (byte >= 9 && byte <= 13))

const refuse = (status: number, error: string, headers?: { [name: string]: string }): Answer => ({
  status,
  body: { error },
  ...(headers && { headers }),
})

const tooLarge = (maxBytes: number): Answer => refuse(413, `The body is larger than ${maxBytes} B: send less at once.`)

const notDurable = (problem: string): Answer =>
  refuse(503, `Nothing was accepted: ${problem} Send it again later.`, { 'retry-after': '1' })
