/** One request of the chain that redirects make. */
export interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: string | Buffer | undefined
}

/** What may follow a redirect to another origin: any other header may be a credential. */
const harmlessHeaders = [
  'accept',
  'accept-encoding',
  'accept-language',
  'content-type',
  'if-modified-since',
  'if-none-match',
  'user-agent',
]

/** An http or https URL; undefined for anything else. */
export function webUrl(address: string, base?: URL): URL | undefined {
  const url = URL.canParse(address, base?.href) ? new URL(address, base?.href) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined
}

/** Moves user and password out of the URL into the header that they stand for. */
export function authorize(hop: Hop): Hop {
  const { username, password } = hop.url
  if (username === '' && password === '') return hop
  const url = withoutUser(hop.url)
  const headers = new Headers(hop.headers)
  if (!headers.has('authorization')) {
    const credentials = Buffer.concat([unescaped(username), Buffer.from(':'), unescaped(password)])
    headers.set('authorization', `Basic ${credentials.toString('base64')}`)
  }
  return { ...hop, url, headers }
}

/** Where a redirect leads, without the credentials that are not for there; undefined where that is not the web. */
export function redirected(from: Hop, status: number, location: string): Hop | undefined {
  const target = webUrl(location, from.url)
  if (!target) return undefined
  const url = withoutUser(target)
  const sameOrigin = url.origin === from.url.origin
  const headers = new Headers([...from.headers].filter(([name]) => sameOrigin || harmlessHeaders.includes(name)))

  const becomesGet = status === 303 ? from.method !== 'HEAD' : status < 303 && from.method === 'POST'
  if (!becomesGet) return { ...from, url, headers }
  headers.delete('content-type')
  return { url, method: 'GET', headers, body: undefined }
}

/** A URL for messages: without user, password, query values and fragment; its origin alone when it is secret. */
export function showUrl(address: string | URL, secret: boolean): string {
  const text = String(address)
  if (!URL.canParse(text)) return secret ? 'The URL' : JSON.stringify(text.replace(/^.*@|[?#].*$/gs, '').slice(0, 200))
  const { protocol, host, pathname, searchParams } = new URL(text)
  const origin = `${protocol}//${host}`
  if (secret) return origin
  const query = [...new Set(searchParams.keys())].map((name) => `${name}=…`).join('&')
  return `${origin}${pathname}${query && `?${query}`}`.slice(0, 500)
}

function withoutUser(url: URL): URL {
  const plain = new URL(url)
  plain.username = plain.password = ''
  return plain
}

/** Percent-decoded, with what is not a correct escape left as it is. */
const unescaped = (text: string): Buffer =>
  Buffer.from(
    text.replace(/%[0-9a-f]{2}/gi, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16))),
    'latin1',
  )
