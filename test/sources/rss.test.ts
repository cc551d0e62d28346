import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { VirtualTimeScheduler } from 'rxjs'
import type { z } from 'zod'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../src/component/context.ts'
import type { Connector, Polled, SourceRecord } from '../../src/component/source.ts'
import { rss } from '../../src/sources/rss.ts'

const minute = 60_000
const running = new AbortController().signal

/** What the server answers at a path. */
type Answer = string | Buffer | ((request: IncomingMessage, response: ServerResponse) => void)

let scheduler: VirtualTimeScheduler
let warnings: { readonly fields: unknown; readonly message: string }[]
let answers: { [path: string]: Answer }
let requests: IncomingMessage[]
let base: string
let closing: (() => Promise<unknown>)[]

beforeEach(async () => {
  scheduler = new VirtualTimeScheduler()
  scheduler.frame = Date.UTC(2024, 0, 1)
  warnings = []
  answers = {}
  requests = []
  closing = []
  const server = createServer((request, response) => {
    requests.push(request)
    const answer = answers[request.url ?? '']
    if (answer === undefined) response.writeHead(404).end()
    else if (typeof answer === 'function') answer(request, response)
    else response.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  for (const close of closing.reverse()) await close()
})

type Config = Partial<z.input<typeof rss.config>>

async function open(config: Config, once = false): Promise<Connector> {
  const ignore = (): void => undefined
  const connector = await rss.open!(rss.config.parse({ feeds: [`${base}/feed`], allowPrivate: true, ...config }), {
    name: 'rss.events',
    scheduler,
    directory: '/',
    signal: running,
    once,
    log: {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (fields, message) => void warnings.push({ fields, message }),
    },
  })
  closing.push(async () => connector.close?.())
  return connector
}

const pollOnce = async (config: Config = {}): Promise<Polled> => (await open(config)).poll(undefined, running)

const value = ({ value }: SourceRecord): { [field: string]: unknown } => JSON.parse(String(value))
const titles = ({ records }: Polled): unknown[] => records.map((record) => value(record)['title'])
const codes = ({ records }: Polled): unknown[] => records.map(({ fault }) => fault?.code)

const feed = (...items: string[]): string =>
  `<rss version="2.0"><channel><title>News</title><link>http://a.example/</link>${items.join('')}</channel></rss>`
const item = (guid: string, rest = `<title>${guid}</title>`): string => `<item><guid>${guid}</guid>${rest}</item>`

describe('an entry', () => {
  it('is a record of what the feed says, links absolute and times in UTC', async () => {
    answers['/feed'] = feed(
      item(
        'g1',
        `<title>Lake &amp;amp; river</title><link>/1</link><description>&lt;p&gt;Wet&lt;/p&gt;</description><category>c</category>
         <author>a@b.example (Ann)</author><pubDate>Tue, 03 Jun 2003 09:39:21 +0200</pubDate>`,
      ),
    )
    const { records } = await pollOnce()
    expect(records).toHaveLength(1)
    expect(value(records[0]!)).toEqual({
      feed: `${base}/feed`,
      guid: 'g1',
      title: 'Lake & river',
      link: 'http://a.example/1',
      summary: '<p>Wet</p>',
      authors: ['Ann'],
      categories: ['c'],
      source: 'News',
      published_at: '2003-06-03T07:39:21.000Z',
      fetched_at: '2024-01-01T00:00:00.000Z',
    })
    expect(records[0]).toMatchObject({ key: Buffer.from('News') })
    expect(records[0]).not.toHaveProperty('timestamp')
  })

  it('says the source and weight configured for its feed', async () => {
    answers['/feed'] = feed(item('g'))
    const { records } = await pollOnce({ feeds: [{ url: `${base}/feed`, source: 'Mine', weight: 0.5 }] })
    expect(value(records[0]!)).toMatchObject({ source: 'Mine', source_weight: 0.5 })
    expect(String(records[0]!.key)).toBe('Mine')
  })

  it('belongs to the feed it was taken over from, and to the host where no feed has a name', async () => {
    answers['/feed'] = feed(item('g', '<title>t</title><source url="http://o.example/">Other</source>')).replace(
      '</channel>',
      `${item('h')}</channel>`,
    )
    answers['/nameless'] = `<rss version="2.0"><channel>${item('g')}</channel></rss>`
    const { records } = await pollOnce({ feeds: [`${base}/feed`, `${base}/nameless`] })
    expect(records.map(({ key }) => String(key))).toEqual(['Other', 'News', new URL(base).host])
  })

  it.each([
    ['xml:base', '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://b.example/x/">', 'http://b.example/x/1'],
    [
      'its feed’s page',
      '<feed xmlns="http://www.w3.org/2005/Atom"><link href="http://p.example/y/"/>',
      'http://p.example/y/1',
    ],
    ['the document', '<feed xmlns="http://www.w3.org/2005/Atom">', '/1'],
  ])('has links that start from %s', async (_, start, link) => {
    answers['/feed'] = `${start}<title>A</title><entry><id>1</id><title>t</title><link href="1"/></entry></feed>`
    const { records } = await pollOnce()
    expect(value(records[0]!)['link']).toBe(new URL(link, base).href)
  })

  it('with a time that cannot be read keeps it as it was, and is a fault unless lenient', async () => {
    answers['/feed'] = feed(item('bad', '<title>bad</title><pubDate>next tuesday</pubDate>'), item('good'))
    const strict = await pollOnce()
    expect(codes(strict)).toEqual(['entry.bad_date', undefined])
    expect(strict.records[0]!.fault).toMatchObject({ disposition: 'deadLetter' })
    expect(strict.records[0]!.fault!.message).toContain('Its published time, "next tuesday", cannot be read')
    expect(value(strict.records[0]!)).toMatchObject({ guid: 'bad', published_raw: 'next tuesday' })
    expect(value(strict.records[0]!)).not.toHaveProperty('published_at')

    const lenient = await pollOnce({ lenient: true })
    expect(codes(lenient)).toEqual([undefined, undefined])
    expect(value(lenient.records[0]!)).toMatchObject({ guid: 'bad', published_raw: 'next tuesday' })
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', 'http://[bad'])('with the link %s is a fault', async (link) => {
    answers['/feed'] = feed(item('bad', `<title>bad</title><link>${link}</link>`), item('good'))
    const polled = await pollOnce()
    expect(codes(polled)).toEqual(['entry.bad_link', undefined])
    expect(value(polled.records[0]!)).toMatchObject({ link_raw: link })
    expect(value(polled.records[0]!)).not.toHaveProperty('link')
  })

  it('that is damaged is a fault with its bytes, and no other is', async () => {
    const damaged = '<item><guid>x</guid><title>x</item>'
    answers['/feed'] = feed(item('a'), damaged, item('b'))
    const polled = await pollOnce()
    expect(codes(polled)).toEqual([undefined, 'entry.damaged', undefined])
    expect(String(polled.records[1]!.value)).toBe(damaged)
    expect(polled.records[1]!.headers).toEqual([['feed', Buffer.from(`${base}/feed`)]])
    expect(polled.records[1]!.fault!.message).toBe('The entry is damaged: <title> is not closed before </item>.')
  })

  it('twice in a document is one; two with the same guid that differ are two', async () => {
    answers['/feed'] = feed(item('a'), item('a'), item('a', '<title>other</title>'))
    expect(titles(await pollOnce())).toEqual(['a', 'other'])
  })
})

describe('a document', () => {
  it.each([
    ['ISO 8859-1 by its header', 'text/xml; charset=ISO-8859-1', Buffer.from(feed(item('é')), 'latin1'), 'é'],
    [
      'windows-1252 by its declaration',
      'text/xml',
      Buffer.concat([
        Buffer.from('<?xml version="1.0" encoding="windows-1252"?>'),
        Buffer.from(feed(item('@')).replaceAll('@', '\x80'), 'latin1'),
      ]),
      '€',
    ],
    ['UTF-16 by its mark', 'application/rss+xml', Buffer.from(`\uFEFF${feed(item('日本'))}`, 'utf16le'), '日本'],
  ])('is read in %s', async (_, type, bytes, title) => {
    answers['/feed'] = (_, response) => response.writeHead(200, { 'content-type': type }).end(bytes)
    expect(titles(await pollOnce())).toEqual([title])
  })

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('may come as %s', async (encoding, compress) => {
    answers['/feed'] = (_, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(compress(feed(item('packed'))))
    expect(titles(await pollOnce())).toEqual(['packed'])
  })

  it('may have moved', async () => {
    answers['/feed'] = (_, response) => response.writeHead(301, { location: '/new/' }).end()
    answers['/new/'] =
      '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>t</title><link href="x"/></entry></feed>'
    const { records } = await pollOnce()
    expect(value(records[0]!)).toMatchObject({ feed: `${base}/feed`, link: `${base}/new/x` })
  })

  it.each([
    ['cut short', feed(item('a'), item('b')).slice(0, -20), /is cut short/],
    ['a page', '<!doctype html><html></html>', /begins with <html>/],
    ['full of entities', `<!DOCTYPE r [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>${feed(item('&b;'))}`, /declares entities/],
    [
      'in no known charset',
      `<?xml version="1.0" encoding="x-none"?>${feed(item('a'))}`,
      /charset "x-none" is not known/,
    ],
    ['empty', '', /is empty/],
  ])('that is %s is one record with its bytes, once, and whole again gives its entries', async (_, bytes, message) => {
    answers['/feed'] = (_, response) =>
      response.writeHead(200, { etag: '"1"', 'content-type': 'application/xml' }).end(bytes)
    const connector = await open({})
    const first = await connector.poll(undefined, running)
    expect(codes(first)).toEqual(['feed.unreadable'])
    expect(first.records[0]).toMatchObject({ value: Buffer.from(bytes), key: Buffer.from(new URL(base).host) })
    expect(first.records[0]!.headers).toEqual([
      ['feed', Buffer.from(`${base}/feed`)],
      ['content-type', Buffer.from('application/xml')],
    ])
    expect(first.records[0]!.fault!.message).toMatch(message)
    expect(first.records[0]!.fault!.message).toContain(`${base}/feed: `)

    scheduler.frame += 15 * minute
    const again = await connector.poll(first.cursor, running)
    expect(again.records).toEqual([])
    expect(requests.at(-1)!.headers).not.toHaveProperty('if-none-match')

    answers['/feed'] = feed(item('whole'))
    scheduler.frame += 15 * minute
    expect(titles(await connector.poll(first.cursor, running))).toEqual(['whole'])
  })

  it('damaged around its entries gives them, and itself once', async () => {
    const bytes = `${feed(item('a'))} trailing`
    answers['/feed'] = bytes
    const connector = await open({})
    const first = await connector.poll(undefined, running)
    expect(codes(first)).toEqual([undefined, 'feed.damaged'])
    expect(String(first.records[1]!.value)).toBe(bytes)

    answers['/feed'] = `${feed(item('b'), item('a'))} trailing`
    scheduler.frame += 15 * minute
    const second = await connector.poll(first.cursor, running)
    expect([titles(second), codes(second)]).toEqual([['b'], [undefined]])
  })
})

describe('polling', () => {
  it('gives what is new, also after a restart, and moves no cursor for nothing', async () => {
    answers['/feed'] = feed(item('b'), item('a'))
    const first = await pollOnce()
    expect(titles(first)).toEqual(['b', 'a'])
    expect(first.wait).toBe(15 * minute)

    answers['/feed'] = feed(item('c'), item('b'), item('a'))
    const restarted = await open({})
    const second = await restarted.poll(JSON.parse(JSON.stringify(first.cursor)) as Json, running)
    expect(titles(second)).toEqual(['c'])

    scheduler.frame += 15 * minute
    const third = await restarted.poll(second.cursor, running)
    expect(third).toMatchObject({ records: [] })
    expect(third).not.toHaveProperty('cursor')
  })

  it('repeats nothing that left the document and came back', async () => {
    const connector = await open({})
    let cursor: Json | undefined
    const seen: unknown[] = []
    for (const shown of [['a', 'b'], ['c'], [], ['b', 'c', 'a']]) {
      answers['/feed'] = feed(...shown.map((guid) => item(guid)))
      const polled = await connector.poll(cursor, running)
      cursor = polled.cursor ?? cursor
      seen.push(...titles(polled))
      scheduler.frame += 15 * minute
    }
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('remembers no more than a few hundred entries of a small feed', async () => {
    const connector = await open({})
    let cursor: Json | undefined
    for (let round = 0; round < 10; round++) {
      answers['/feed'] = feed(...Array.from({ length: 100 }, (_, index) => item(`${round}-${index}`)))
      const polled = await connector.poll(cursor, running)
      cursor = polled.cursor
      expect(polled.records).toHaveLength(100)
      scheduler.frame += 15 * minute
    }
    expect(JSON.stringify(cursor).length).toBeLessThan(300 * 16)
  })

  it('gives an entry again when the feed has changed it', async () => {
    const entry = (title: string): string => item('a', `<title>${title}</title>`)
    answers['/feed'] = feed(entry('first'))
    const connector = await open({})
    const first = await connector.poll(undefined, running)
    answers['/feed'] = feed(entry('corrected')).replace('News', 'New name')
    scheduler.frame += 15 * minute
    expect(titles(await connector.poll(first.cursor, running))).toEqual(['corrected'])
  })

  it('asks on condition, with what the answer before gave', async () => {
    answers['/feed'] = ({ headers }, response) =>
      headers['if-none-match'] === '"v1"' && headers['if-modified-since'] === 'Mon, 01 Jan 2024 00:00:00 GMT'
        ? response.writeHead(304).end()
        : response
            .writeHead(200, { etag: '"v1"', 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' })
            .end(feed(item('a')))
    const connector = await open({})
    const first = await connector.poll(undefined, running)
    expect(requests[0]!.headers).not.toHaveProperty('if-none-match')
    scheduler.frame += 15 * minute
    const second = await connector.poll(first.cursor, running)
    expect(requests).toHaveLength(2)
    expect(second.records).toEqual([])
    expect(second).not.toHaveProperty('cursor')
  })

  it('reads again from the old cursor what could not be made durable', async () => {
    answers['/feed'] = feed(item('a'))
    const connector = await open({}, true)
    const first = await connector.poll(undefined, running)
    expect([titles(first), first.wait]).toEqual([['a'], 'ended'])
    first.failed!(new Error('disk full'))
    expect(titles(await connector.poll(undefined, running))).toEqual(['a'])
  })

  it('keeps to each feed’s own time', async () => {
    answers['/feed'] = feed(item('a'))
    const connector = await open({ every: '10m' })
    const { cursor } = await connector.poll(undefined, running)
    scheduler.frame += 4 * minute
    expect(await connector.poll(cursor, running)).toMatchObject({ records: [], wait: 6 * minute })
    expect(requests).toHaveLength(1)
  })

  it('takes many feeds eight at a time', async () => {
    const feeds = Array.from({ length: 20 }, (_, index) => `${base}/${index}`)
    feeds.forEach((url, index) => (answers[new URL(url).pathname] = feed(item(`${index}`))))
    const connector = await open({ feeds }, true)
    let cursor: Json | undefined
    const read: unknown[] = []
    const waits: unknown[] = []
    for (let round = 0; round < 3; round++) {
      const polled = await connector.poll(cursor, running)
      cursor = polled.cursor
      read.push(...titles(polled))
      waits.push(polled.wait)
    }
    expect(read).toEqual(feeds.map((_, index) => `${index}`))
    expect(waits).toEqual([undefined, undefined, 'ended'])
  })

  it('stops when it is told to', async () => {
    const stop = new AbortController()
    answers['/feed'] = () => stop.abort(new Error('stopping'))
    await expect((await open({})).poll(undefined, stop.signal)).rejects.toThrow('stopping')
    expect(warnings).toEqual([])
  })
})

describe('a feed that cannot be read', () => {
  it('leaves the others alone, is warned of, and tried again sooner', async () => {
    answers['/feed'] = feed(item('a'))
    const connector = await open({ feeds: [`${base}/gone?key=secret`, `${base}/feed`] })
    const first = await connector.poll(undefined, running)
    expect(titles(first)).toEqual(['a'])
    expect(first.wait).toBe(30_000)
    const warning = { source: 'rss.events', feed: `${base}/gone?key=…`, fault: 'http.status' }
    expect(warnings).toMatchObject([{ fields: warning }])
    expect(warnings[0]!.message).toContain('answered with status 404')
    expect(warnings[0]!.message).not.toContain('secret')

    answers['/gone?key=secret'] = feed(item('back'))
    scheduler.frame += 30_000
    const second = await connector.poll(first.cursor, running)
    expect(titles(second)).toEqual(['back'])
  })

  it('is a trouble of the source where no other can be read either, until one can', async () => {
    const connector = await open({ feeds: [`${base}/gone`, `${base}/feed`] })
    const first = await connector.poll(undefined, running)
    expect(first.trouble).toBe('none of its feeds could be read; the warnings say why')
    answers['/feed'] = feed(item('a'))
    scheduler.frame += 30_000
    expect(await connector.poll(first.cursor, running)).not.toHaveProperty('trouble')
  })

  it('fails the only poll when no other can be read either', async () => {
    answers['/feed'] = feed(item('a'))
    const feeds = Array.from({ length: 9 }, (_, n) => `${base}/gone/${n}`)
    const alone = await open({ feeds }, true)
    await alone.poll(undefined, running)
    await expect(alone.poll(undefined, running)).rejects.toThrow('none of its feeds could be read')

    const among = await open({ feeds: [...feeds, `${base}/feed`] }, true)
    await among.poll(undefined, running)
    expect(await among.poll(undefined, running)).toMatchObject({ records: [{}], wait: 'ended' })
  })

  it.each<[string, Config, Answer, string]>([
    ['is too large', { maxBytes: '1KiB' }, 'x'.repeat(2_000), 'http.body_too_large'],
    [
      'is a bomb',
      {},
      (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(20_000_000))),
      'http.body_too_large',
    ],
    [
      'is too slow',
      { timeout: '5s' },
      (_, response) => void response.write('<rss>', () => scheduler.flush()),
      'http.timeout',
    ],
    ['is at a private address', { allowPrivate: false }, feed(item('a')), 'http.private_address'],
    [
      'leads in circles',
      {},
      (_, response) => response.writeHead(302, { location: '/feed' }).end(),
      'http.too_many_redirects',
    ],
    [
      'breaks off',
      {},
      (_, response) => response.writeHead(200, { 'content-length': 99 }).write('<rss>', () => response.destroy()),
      'http.unavailable',
    ],
  ])('because it %s, is warned of', async (_, config, answer, code) => {
    answers['/feed'] = answer
    const polled = await pollOnce(config)
    expect(polled.records).toEqual([])
    expect(polled).not.toHaveProperty('cursor')
    expect(warnings).toMatchObject([{ fields: { fault: code, feed: `${base}/feed` } }])
  })
})

describe('its config', () => {
  it.each([
    [{ feeds: [] }],
    [{ feeds: ['ftp://a.example/feed'] }],
    [{ feeds: ['http://a.example/f', { url: 'http://a.example/f' }] }],
    [{ feeds: ['http://a.example/f'], every: 'often' }],
  ])('refuses %j', (config) => expect(rss.config.safeParse(config).success).toBe(false))

  it.each(rss.examples)('accepts: $title', ({ config }) => expect(rss.config.safeParse(config).success).toBe(true))
})
