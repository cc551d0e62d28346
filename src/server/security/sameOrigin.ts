import type { IncomingMessage } from 'node:http'

/**
 * Whether a request that changes something may come from where it does: from a page of this server, or from no page at
 * all. Browsers say where they are; programs do not.
 */
export function isSameOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host = '' } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === host
}
