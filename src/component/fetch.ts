import { isIP } from 'node:net'
import type { SchedulerLike } from 'rxjs'
import type { Agent, buildConnector, request } from 'undici'
import { Fault } from '../record/fault.ts'
import { authorize, redirected, showUrl, webUrl, type Hop } from './hop.ts'
import { readBody } from './httpBody.ts'
import {
  HttpBadUrlFault,
  HttpPrivateAddressFault,
  HttpTimeoutFault,
  HttpTooManyRedirectsFault,
  HttpUnavailableFault,
} from './httpFault.ts'
import { isPrivateAddress, lookupPublic, PrivateAddressError } from './privateAddress.ts'

export interface FetcherOptions {
  /** Whether addresses that are not public (loopback, private, link-local ...) may be reached. */
  readonly allowPrivate: boolean
  /** Milliseconds for a whole request, redirects and body included. */
  readonly timeout: number
  /** Largest body, in bytes, as sent and once decompressed. */
  readonly maxBytes: number
  /** The context's scheduler: the only clock. */
  readonly scheduler: SchedulerLike
  /** The URLs are secrets themselves (webhooks): messages name their origin alone. */
  readonly secretUrl?: boolean
}

export interface FetchRequest {
  readonly method?: string
  readonly headers?: Readonly<{ [name: string]: string }>
  readonly body?: string | Buffer
  readonly signal?: AbortSignal
}

export interface FetchResponse {
  readonly status: number
  readonly headers: Headers
  /** Decompressed. */
  readonly body: Buffer
  /** Where the redirects ended. */
  readonly url: string
}

export interface Fetcher {
  /**
   * One request, redirects followed; any status is an answer (see HttpStatusFault for those that are not welcome).
   * @throws the faults of httpFault.ts; the signal's reason when the signal aborts
   */
  fetch(url: string, request?: FetchRequest): Promise<FetchResponse>
  /** The URL as messages and logs may show it: without user, password, query values or fragment. */
  show(url: string): string
  /** Ends every connection and request. */
  close(): Promise<void>
}

const maxRedirects = 10
const redirects = [301, 302, 303, 307, 308]

/** A connection pool that reaches public addresses alone, unless told otherwise; one a component. */
export function createFetcher(options: FetcherOptions): Fetcher {
  const { allowPrivate, timeout, maxBytes, scheduler, secretUrl = false } = options
  let pool: Promise<Pool> | undefined
  const show = (url: string | URL): string => showUrl(url, secretUrl)

  async function follow(first: Hop, signal: AbortSignal): Promise<FetchResponse> {
    const { agent, send } = await (pool ??= openPool(allowPrivate, timeout))
    let hop = first
    for (let count = 0; count <= maxRedirects; count++) {
      const { url, method, headers } = hop
      const answer = await send(url, {
        dispatcher: agent,
        method,
        headers: Object.fromEntries(headers),
        body: hop.body ?? null,
        signal,
      })
      const received = receivedHeaders(answer.headers)
      const location = redirects.includes(answer.statusCode) ? received.get('location') : null
      if (location === null) {
        const body = await readBody(answer.body, received, { maxBytes, hasLength: method !== 'HEAD', url: show(url) })
        return { status: answer.statusCode, headers: received, body, url: url.href }
      }
      // Giving up the body makes it emit an error that says so.
      answer.body.on('error', () => undefined).destroy()
      const next = redirected(hop, answer.statusCode, location)
      if (!next) throw new HttpTooManyRedirectsFault(`${show(url)} redirects to what is not an http or https URL.`)
      hop = next
    }
    throw new HttpTooManyRedirectsFault(`${show(first.url)} redirects more than ${maxRedirects} times.`)
  }

  return {
    show,
    close: async () => (await pool)?.agent.destroy(),

    async fetch(address, { method = 'GET', headers, body, signal: stop } = {}) {
      stop?.throwIfAborted()
      const url = webUrl(address)
      if (!url) throw new HttpBadUrlFault(`${show(address)} is not an http or https URL.`)
      const first = authorize({ url, method: method.toUpperCase(), headers: new Headers(headers), body })
      if (!first.headers.has('accept-encoding')) first.headers.set('accept-encoding', 'gzip, br, deflate')

      const late = new AbortController()
      const timer = scheduler.schedule(() => late.abort(), timeout)
      try {
        return await follow(first, stop ? AbortSignal.any([late.signal, stop]) : late.signal)
      } catch (cause) {
        stop?.throwIfAborted()
        if (late.signal.aborted) throw new HttpTimeoutFault(`${show(url)} did not answer within ${timeout} ms.`)
        throw asHttpFault(cause, show(url))
      } finally {
        timer.unsubscribe()
      }
    },
  }
}

interface Pool {
  readonly agent: Agent
  readonly send: typeof request
}

/** Opened at the first request: loading undici takes a tenth of a second, which only those who fetch shall wait for. */
async function openPool(allowPrivate: boolean, timeout: number): Promise<Pool> {
  const { Agent, buildConnector, request: send } = await import('undici')
  const connect = allowPrivate ? { timeout } : publicOnly(buildConnector({ timeout, lookup: lookupPublic }))
  return { agent: new Agent({ connect, headersTimeout: 0, bodyTimeout: 0 }), send }
}

/**
 * Connects to public addresses alone. The address judged is the one connected to, so a name that resolves to another
 * address a moment later gains nothing.
 */
function publicOnly(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    const hostname = target.hostname.replace(/^\[|\]$/g, '')
    if (isIP(hostname) === 0 || !isPrivateAddress(hostname)) return connect(target, callback)
    callback(new PrivateAddressError(`${hostname} is not a public address`), null)
  }
}

function receivedHeaders(received: { readonly [name: string]: string | string[] | undefined }): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(received)) {
    for (const value of [values ?? []].flat()) headers.append(name, value)
  }
  return headers
}

function asHttpFault(cause: unknown, url: string): Fault {
  if (cause instanceof Fault) return cause
  if (cause instanceof PrivateAddressError) {
    return new HttpPrivateAddressFault(`${url}: ${cause.message}; allowPrivate: true would permit it.`)
  }
  const { code, message } = cause as NodeJS.ErrnoException
  return new HttpUnavailableFault(`${url} cannot be read: ${message || code}.`, { cause })
}
