import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { Users } from '../../src/server/security/users.ts'
import { append, configWith, pageOf, served } from './served.ts'

const plain = configWith('every: 10s')

/** What a path answers to exactly these headers: fetch adds some of its own. */
function answerTo(url: string, headers: { [name: string]: string }, method = 'GET') {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>((resolve, reject) => {
    const asked = request(url, { method, headers }, (response) => {
      const { statusCode, headers } = response
      void text(response).then((body) => resolve({ status: statusCode!, headers, body }))
    })
    asked.on('error', reject).end()
  })
}

describe('what `/` answers', () => {
  it.each([
    ['text/html', 'text/html'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
    ['TEXT/HTML ; q=0.7, text/plain;q=0.2', 'text/html'],
    ['text/plain, text/html;q=0.9', 'text/plain'],
    ['text/html;q=0', 'text/plain'],
    ['*/*', 'text/plain'],
    ['application/json', 'text/plain'],
    [undefined, 'text/plain'],
  ])('to %s is %s', async (accept, type) => {
    const { url } = await served(plain)
    const { headers, status } = await answerTo(url, accept === undefined ? {} : { accept })
    expect(status).toBe(200)
    expect(headers['content-type']).toBe(`${type}; charset=utf-8`)
    expect(headers.vary).toMatch(/^accept(, cookie)?$/)
  })

  it('to HEAD has no body, to others but GET is 405', async () => {
    const { url } = await served(plain)
    const head = await answerTo(url, { accept: 'text/html' }, 'HEAD')
    expect([head.status, head.body]).toEqual([200, ''])
    expect((await answerTo(url, { accept: 'text/html' }, 'POST')).status).toBe(405)
  })
})

describe('a request', () => {
  it('names this machine, or is not answered: another site cannot have a browser read what is here', async () => {
    const { url } = await served(plain)
    const { port } = new URL(url)
    for (const host of [`localhost:${port}`, '127.0.0.1', `[::1]:${port}`, 'oxbow.localhost'])
      expect((await answerTo(url, { host })).status, host).toBe(200)
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example']) {
      const { status, body } = await answerTo(`${url}/plots`, { host })
      expect(status, host).toBe(421)
      expect(body).toContain('--host names another address')
    }
  })

  it('may name others where others are listened to', async () => {
    const { url } = await served(plain, { host: '0.0.0.0', users: new Users('anna view abcdefghijklmnop') })
    expect((await answerTo(`${url.replace('0.0.0.0', '127.0.0.1')}/healthz`, { host: 'oxbow.example' })).status).toBe(
      200,
    )
  })
})

describe('the page', () => {
  it('shows what runs: records by what became of them, and dead letters', async () => {
    const given = [1, 2, 0, 'none'].map((n) => ({ topic: 'in', value: { n } }))
    const { url } = await served(plain, { given })
    const page = await pageOf(url)
    expect(page).toContain('<title>Oxbow: shop</title>')
    expect(page).toContain('Everything runs.')
    expect(rowsOf(page, 'records')).toEqual([['shop', 'in', 'all', '4', '2', '1', '1', '0']])
    expect(rowsOf(page, 'letters')).toEqual([['dlq.in', 'shop', '1', '0 min']])
    expect(page).not.toContain('<h2 id="plots-title">')
  })

  it('says what does not run', async () => {
    const { url, pipeline } = await served(plain)
    await pipeline.stop()
    expect(await pageOf(url)).toContain('<li><strong>shop</strong>: not started</li>')
  })

  it('lets the browser load nothing but what is beside it, and be in no frame', async () => {
    const { url } = await served(plain)
    const { headers, body } = await answerTo(url, { accept: 'text/html' })
    const policy = String(headers['content-security-policy']).split('; ')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("style-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy.join()).not.toMatch(/unsafe|data:|https?:|\*/)
    expect(body).not.toMatch(
      /<style|\sstyle=|\son\w+=|<script(?! type="module" src="\/browser\/script\.js"><\/script>)/,
    )

    const loaded = [...body.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => path!)
    expect(loaded).toContain('/browser/style.css')
    for (const path of loaded) {
      expect(path).toMatch(/^\/(?!\/)/)
      expect((await fetch(url + path)).status, path).toBe(200)
    }
  })

  it.each([
    ['style.css', 'text/css'],
    ['script.js', 'text/javascript'],
    ['icon.svg', 'image/svg+xml'],
  ])('has its %s', async (name, type) => {
    const { url } = await served(plain)
    const response = await fetch(`${url}/browser/${name}`)
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`)
    expect((await fetch(`${url}/browser/..%2fserver.ts`)).status).toBe(404)
  })

  it('shows its other parts where one cannot be read, and the log says why', async () => {
    const warnings: string[] = []
    const log = { debug() {}, info() {}, error() {}, warn: (_: object, message: string) => void warnings.push(message) }
    const { url } = await served(plain, {
      log,
      seenAs: (broker) => ({ ...broker, topics: () => Promise.reject(new Error('the disk is gone')) }),
    })
    const page = await pageOf(url)
    expect(page).toContain('This could not be read; the log says why.')
    expect(rowsOf(page, 'records')).toHaveLength(1)
    expect(warnings).toEqual(['Dead letters of the page could not be shown: the disk is gone'])
  })

  it('shows hostile names as text, wherever they come from', async () => {
    const hostile = `"><script>alert('1')</script><img src=x onerror=alert(2)>\u202e`
    const config = configWith(`
plots:
  - title: ${JSON.stringify(hostile)}
    by: record.market
    empty: ${JSON.stringify(hostile)}
    lines: [{ topic: in, y: record.n, name: ${JSON.stringify(hostile)}, unit: ${JSON.stringify(hostile)} }]
  - title: none
    empty: ${JSON.stringify(hostile)}
    lines: [{ topic: nothing, y: record.n }]
`)
    const { url, broker } = await served(config, { given: [{ topic: 'in', value: { n: 1, market: hostile } }] })
    const page = await pageOf(url)
    expect(page.match(/&lt;script&gt;alert\(&#39;1&#39;\)/g)!.length).toBeGreaterThanOrEqual(6)
    expect(page).not.toMatch(/<script>|<img|\u202e/)
    expect(page.match(/<script/g)).toHaveLength(1)
    // Quotes end no attribute: what is between them holds no bare one.
    for (const [, label] of page.matchAll(/aria-label="([^"]*)"/g)) expect(label).not.toMatch(/[<>]/)

    await append(broker, [{ topic: 'in', value: { n: 2, market: `</svg>${hostile}` } }])
    expect(await pageOf(url)).not.toMatch(/<script>|<img/)
  })
})

/** The cells of a section's table. */
function rowsOf(page: string, id: string): string[][] {
  const section = page.slice(page.indexOf(`<section id="${id}"`)).split('</section>', 1)[0]!
  const body = /<tbody>(.*)<\/tbody>/s.exec(section)?.[1] ?? ''
  return body
    .split('</tr>')
    .slice(0, -1)
    .map((row) => [...row.matchAll(/<t[hd][^>]*>(?:<a [^>]*>)?([^<]*)</g)].map(([, cell]) => cell!))
}
