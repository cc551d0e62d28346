import type { Answer } from './answer.ts'

/** Why a request is refused, as RFC 9457 has it. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly headers: { readonly [name: string]: string }

  /** @param message what is wrong, and what would be right */
  constructor(status: number, message: string, headers: { readonly [name: string]: string } = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

const titles: { readonly [status: number]: string } = {
  400: 'Bad request',
  401: 'Who are you?',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Not now',
  410: 'Gone',
  413: 'Too large',
  414: 'The address is too long',
  415: 'Wrong content type',
  421: 'Wrong host',
  422: 'Cannot be done so',
  429: 'Too many tries',
  431: 'The headers are too large',
  500: 'Failed',
  503: 'Busy',
}

export const titleOf = (status: number): string => titles[status] ?? 'Refused'

/** As the HTTP API says it. */
export const problemAsJson = ({ status, message, headers }: Problem): Answer => ({
  status,
  type: 'application/problem+json',
  body: `${JSON.stringify({ type: 'about:blank', title: titleOf(status), status, detail: message })}\n`,
  headers,
})
