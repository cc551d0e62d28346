import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The feeds and markets of a small made-up world, served over HTTP. */
export interface Outside {
  readonly url: string
  readonly feeds: readonly string[]
  close(): Promise<void>
}

const rss = `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>River Gazette</title><link>https://gazette.example/</link>
<item><guid isPermaLink="false">g-1</guid><title>Vance leads a poll &amp; draws a crowd</title>
<link>https://gazette.example/1</link><description><![CDATA[<p>The candidate spoke.</p>]]></description>
<pubDate>Thu, 08 Jan 2026 09:00:00 GMT</pubDate></item>
<item><guid isPermaLink="false">g-2</guid><title>A day that is none</title>
<link>https://gazette.example/2</link><pubDate>Someday soon</pubDate></item>
<item><guid isPermaLink="false">g-3</guid><description>An entry without a title</description>
<pubDate>Thu, 08 Jan 2026 09:30:00 GMT</pubDate></item>
</channel></rss>`

const atom = `<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour Notes</title><id>urn:harbour</id>
<updated>2026-01-08T10:00:00Z</updated>
<entry><id>urn:harbour:1</id><title>Fog on the quay</title><link href="https://harbour.example/1"/>
<updated>2026-01-08T10:00:00+02:00</updated><summary>Nothing moved.</summary></entry></feed>`

const rdf = `<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://hills.example/"><title>Hill Letter</title><link>https://hills.example/</link>
<description>From the hills</description></channel>
<item rdf:about="https://hills.example/1"><title>Election night</title><link>https://hills.example/1</link>
<dc:date>2026-01-08T08:00:00Z</dc:date></item></rdf:RDF>`

const jsonFeed = JSON.stringify({
  version: 'https://jsonfeed.org/version/1.1',
  title: 'Plain Paper',
  items: [
    {
      id: 'p-1',
      url: 'https://plain.example/1',
      title: 'The president votes',
      content_text: 'A vote was cast.',
      date_published: '2026-01-08T07:00:00Z',
    },
  ],
})

const documents: { readonly [path: string]: readonly [type: string, body: string] } = {
  '/feeds/gazette.xml': ['application/rss+xml', rss],
  '/feeds/harbour.atom': ['application/atom+xml', atom],
  '/feeds/hills.rdf': ['application/rdf+xml', rdf],
  '/feeds/plain.json': ['application/feed+json', jsonFeed],
  '/feeds/broken.xml': ['application/rss+xml', '<html><body>We will be back soon</body></html>'],
}

const hour = 3_600
const tokens = { 'rain-tomorrow': ['101', '102'], 'snow-tomorrow': ['201', '202'] } as const

/** Prices of the last hours; those of the first token have a price above 1, one that is no number, and one of later. */
function history(token: string, now: number): object {
  const start = Math.floor(now / hour) * hour - 6 * hour
  const sound = [0, 1, 2, 3].map((n) => ({ t: start + n * hour + 600, p: 0.2 + n / 10 }))
  if (token !== '101') return { history: sound }
  const damaged = [
    { t: start + 4 * hour + 600, p: 1.7 },
    { t: start + 5 * hour + 600, p: 'high' },
    { t: start + 8 * hour + 600, p: 0.9 },
    { t: start + 9 * hour + 600, p: 0.9 },
  ]
  return { history: [...sound, ...damaged] }
}

/** @param now when the world was made, seconds since the epoch */
function answer({ pathname, searchParams }: URL, now: number): readonly [type: string, body: string] | undefined {
  const json = (value: object) => ['application/json', JSON.stringify(value)] as const
  if (pathname === '/gamma/markets') {
    const slug = searchParams.get('slug') as keyof typeof tokens
    if (!(slug in tokens)) return json([])
    return json([{ slug, outcomes: '["Yes","No"]', clobTokenIds: JSON.stringify(tokens[slug]) }])
  }
  if (pathname === '/clob/prices-history') return json(history(searchParams.get('market')!, now))
  return documents[pathname]
}

export async function startOutside(): Promise<Outside> {
  const now = Date.now() / 1_000
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://outside')
    const found = answer(url, now)
    response.writeHead(found ? 200 : 404, { 'content-type': found?.[0] ?? 'text/plain' })
    response.end(found?.[1])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    feeds: Object.keys(documents).map((path) => url + path),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
