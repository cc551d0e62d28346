import type { IncomingMessage } from 'node:http'

/** What a path answers. */
export interface Answer {
  readonly status: number
  readonly type: string
  /** All of it, or bit by bit until the signal says that nobody listens any more. */
  readonly body: string | ((signal: AbortSignal) => AsyncIterable<string>)
  readonly headers?: { readonly [name: string]: string }
}

export type Route = (request: IncomingMessage) => Answer | Promise<Answer>

export const text = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body })

export const json = (status: number, body: object): Answer => {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` }
}

/** Elsewhere, after a form. */
export const seeOther = (location: string, headers: { readonly [name: string]: string } = {}): Answer => ({
  ...text(303, ''),
  headers: { location, ...headers },
})
