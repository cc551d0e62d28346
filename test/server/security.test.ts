import { request } from 'node:http'
import { connect } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { sessionFor } from '../../src/server/security/session.ts'
import { TokenProblem, Users } from '../../src/server/security/users.ts'
import { ask, bench, endsOf, tokens, type Order } from './workbench.ts'

const orders: readonly Order[] = [
  { key: 'b', value: { cost: 2, card: '4242' }, headers: [['authorization', Buffer.from('Basic abcdef')]] },
]
const anything = { all: true, why: 'x' }
const asBrowser = { accept: 'text/html' }

/** A form, as a browser sends it. */
const sendForm = (
  url: string,
  path: string,
  fields: { [name: string]: string },
  headers: { [name: string]: string } = {},
) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
    headers: { ...asBrowser, ...headers },
  })

const cookieOf = (response: Response) => response.headers.get('set-cookie')!.split(';', 1)[0]!

describe('who has no token', () => {
  it('gets nothing but metrics, health and the login', async () => {
    const { url, broker } = await bench({ orders, tokens: true })
    const before = await endsOf(broker)
    for (const path of [
      '/api/dlq',
      '/api/groups',
      '/api/letters',
      '/api/topics',
      '/api/audit',
      '/api/openapi.json',
      '/tables',
      '/plots',
      '/',
    ]) {
      const { status, headers, text } = await ask(url, path)
      expect([status, headers.get('www-authenticate')], path).toEqual([401, 'Bearer'])
      expect(text).not.toContain('dlq.orders')
    }
    for (const path of [
      '/api/redrives',
      '/api/rehearsals',
      '/api/discard',
      '/api/reopen',
      '/api/topics/orders/records',
    ])
      expect((await ask(url, path, { body: anything })).status, path).toBe(401)
    for (const path of ['/metrics', '/healthz', '/readyz', '/login', '/browser/style.css'])
      expect((await ask(url, path)).status, path).toBe(200)
    expect(await endsOf(broker)).toEqual(before)
  })

  it.each([
    'Bearer wrong-0123456789abcdef',
    'Bearer ',
    'Basic dmVyYTp2aWV3',
    `Bearer ${tokens.vera}x`,
    `bearer${tokens.vera}`,
  ])('is not let in by %s', async (authorization) => {
    const { url } = await bench({ tokens: true })
    expect((await ask(url, '/api/dlq', { headers: { authorization } })).status).toBe(401)
  })

  it('is sent to the login by a browser, and comes back to where it was', async () => {
    const { url } = await bench({ tokens: true })
    const asked = await fetch(`${url}/plots?topic=x`, { headers: asBrowser, redirect: 'manual' })
    expect([asked.status, asked.headers.get('location')]).toEqual([303, '/login?to=%2Fplots%3Ftopic%3Dx'])
    const back = await sendForm(url, '/login', { token: tokens.vera, to: '/plots?topic=x' })
    expect([back.status, back.headers.get('location')]).toEqual([303, '/plots?topic=x'])
    for (const to of ['//evil.example', 'https://evil.example', '/\\evil.example', '/a\r\nset-cookie: a=b'])
      expect((await sendForm(url, '/login', { token: tokens.vera, to })).headers.get('location'), to).toBe('/')
    const wrong = await sendForm(url, '/login', { token: 'wrong-0123456789abcdef', to: '"><script>' })
    expect(wrong.status).toBe(401)
    expect(await wrong.text()).not.toContain('"><script>')
  })
})

describe('a role', () => {
  it('that is too small is refused, and nothing changes', async () => {
    const { url, broker } = await bench({ orders, tokens: true })
    const before = await endsOf(broker)
    const produced = { valueText: 'x' }
    const { body } = await ask(url, '/api/letters', { as: 'vera' })
    const fix = { letters: [body.letters[0].id], fix: { value: 1 }, to: 'source', why: 'x' }
    for (const [as, path, wanted] of [
      ['vera', '/api/redrives', anything],
      ['vera', '/api/redrives/forecast', anything],
      ['vera', '/api/rehearsals', { all: true }],
      ['vera', '/api/discard', anything],
      ['vera', '/api/reopen', anything],
      ['vera', '/api/topics/orders/records', produced],
      ['oskar', '/api/topics/orders/records', produced],
      ['oskar', '/api/redrives', fix],
      ['oskar', '/api/rehearsals', { all: true, fix: { value: 1 } }],
      ['oskar', '/api/redrives', { ...anything, to: { topic: 'priced' } }],
    ] as const) {
      const { status, body: problem } = await ask(url, path, { as, body: wanted })
      expect([status, problem.status], `${as} ${path}`).toEqual([403, 403])
    }
    expect(await endsOf(broker)).toEqual(before)
    expect((await ask(url, '/api/discard', { as: 'oskar', body: anything })).body).toEqual({ discarded: 1 })
    expect((await ask(url, '/api/audit', { as: 'vera' })).body.entries).toMatchObject([
      { by: 'oskar', to: 'discarded' },
    ])
  })

  it('that may only look sees fields masked that the config redacts, and secret headers', async () => {
    const { url } = await bench({ orders, tokens: true })
    const { id } = (await ask(url, '/api/letters', { as: 'vera' })).body.letters[0]
    const { body: seen } = await ask(url, `/api/letters/${id}`, { as: 'vera' })
    expect(seen.value).toMatchObject({ text: '{"cost":2,"card":"[redacted]"}', masked: true })
    expect([seen.hex, seen.headers[0][1].text]).toEqual([null, '[redacted]'])
    const { text } = await ask(url, '/api/topics/orders/records', { as: 'vera' })
    expect(text).not.toMatch(/4242|abcdef/)
    const { body: whole } = await ask(url, `/api/letters/${id}`, { as: 'oskar' })
    expect(whole.value.text).toBe('{"cost":2,"card":"4242"}')
  })
})

it('what letters have in common tells who may only look nothing of hidden fields', async () => {
  const healthy = [1, 2, 3].map((card) => ({ value: { price: 1, card } }))
  const failing = [7, 8, 9].map((card) => ({ value: { cost: 1, card } }))
  const { url } = await bench({ orders: [...healthy, ...failing], tokens: true })
  const { fingerprint } = (await ask(url, '/api/groups', { as: 'vera' })).body.groups[0]
  const told = async (as: 'vera' | 'oskar') =>
    (await ask(url, `/api/groups/${fingerprint}`, { as })).body.causes.join(' ') as string
  expect(await told('oskar')).toMatch(/card/)
  expect(await told('vera')).toMatch(/price/)
  expect(await told('vera')).not.toMatch(/card/)
})

describe('a session', () => {
  it('is a cookie that scripts and other sites do not get, and ends at the logout', async () => {
    const { url } = await bench({ tokens: true })
    const login = await sendForm(url, '/login', { token: tokens.edda })
    expect(login.headers.get('set-cookie')).toMatch(
      /^oxbow-session=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    )
    const secure = await sendForm(url, '/login', { token: tokens.edda }, { 'x-forwarded-proto': 'https' })
    expect(secure.headers.get('set-cookie')).toMatch(/; Secure$/)
    expect((await ask(url, '/api/dlq', { headers: { cookie: cookieOf(login) } })).status).toBe(200)
  })

  it('cannot be made up, changed, or used after its time', async () => {
    const { url, users } = await bench({ tokens: true })
    const real = sessionFor(users!, { name: 'vera', role: 'view' }, Date.now())
    const old = sessionFor(users!, { name: 'edda', role: 'edit' }, Date.now() - 13 * 3_600_000)
    const others = new Users('edda edit another-0123456789')
    const made = sessionFor(others, { name: 'edda', role: 'edit' }, Date.now())
    const [, until, proof] = real.split('.')
    expect((await ask(url, '/api/dlq', { headers: { cookie: `oxbow-session=${real}` } })).status).toBe(200)
    for (const session of [old, made, `edda.${until}.${proof}`, `vera.${Number(until) + 1}.${proof}`, 'vera', ''])
      expect((await ask(url, '/api/dlq', { headers: { cookie: `oxbow-session=${session}` } })).status, session).toBe(
        401,
      )
  })
})

describe('a page of another site', () => {
  it('can have a browser change nothing, with a session or without tokens', async () => {
    const { url, broker, users } = await bench({ orders, tokens: true })
    const local = await bench({ orders })
    const cookie = `oxbow-session=${sessionFor(users!, { name: 'edda', role: 'edit' }, Date.now())}`
    const before = await endsOf(broker)
    const body = JSON.stringify(anything)
    const json = { 'content-type': 'application/json' }
    const post = async (to: string, headers: { [name: string]: string }) =>
      (await fetch(`${to}/api/discard`, { method: 'POST', body, headers })).status
    expect(await post(url, { ...json, cookie }), 'without the form token').toBe(403)
    expect(await post(url, { ...json, cookie, 'x-oxbow-form-token': 'x' }), 'with a wrong one').toBe(403)
    for (const to of [url, local.url]) {
      const own = { ...(to === url && { authorization: `Bearer ${tokens.edda}` }) }
      expect(await post(to, { ...json, ...own, origin: 'https://evil.example' }), 'by its origin').toBe(403)
      expect(await post(to, { ...json, ...own, origin: 'null' }), 'without an origin').toBe(403)
      expect(await post(to, { ...json, ...own, 'sec-fetch-site': 'cross-site' }), 'by its site').toBe(403)
      expect(await post(to, { ...json, ...own, 'sec-fetch-site': 'same-site' }), 'by its site').toBe(403)
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
        expect(await post(to, { ...own, 'content-type': type }), type).toBe(415)
    }
    expect(await endsOf(broker)).toEqual(before)
    expect((await ask(local.url, '/api/audit')).body.entries).toEqual([])
    expect(await post(local.url, { ...json, origin: local.url, 'sec-fetch-site': 'same-origin' })).toBe(200)
  })
})

describe('what is too large or cannot be read', () => {
  /** Bytes as they are, and what comes back. */
  async function raw(url: string, bytes: string | Buffer): Promise<string> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.end(bytes)
    return textOf(socket)
  }

  it('is refused', async () => {
    const { url, broker } = await bench({ orders })
    const before = await endsOf(broker)
    const large = { valueText: 'x'.repeat(1_100_000) }
    expect((await ask(url, '/api/topics/orders/records', { body: large })).status).toBe(413)
    expect((await ask(url, `/api/letters?key=${'x'.repeat(9_000)}`)).status).toBe(414)
    expect((await ask(url, `/api/letters?key=${'x'.repeat(1_001)}`)).status).toBe(400)
    expect((await ask(url, '/api/redrives', { body: { ...anything, why: 'x'.repeat(501) } })).status).toBe(422)
    const headers = await raw(url, `GET /healthz HTTP/1.1\r\nhost: localhost\r\na: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(headers).toMatch(/^HTTP\/1.1 431 .*\{"type":"about:blank".*16384/s)
    expect(await raw(url, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    const chunked = `POST /api/discard HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n110000\r\n${'x'.repeat(0x110000)}\r\n0\r\n\r\n`
    expect(await raw(url, chunked)).toMatch(/^HTTP\/1.1 413 /)
    const body = Buffer.concat([Buffer.from('{"all":true,"why":"'), Buffer.from([0xff]), Buffer.from('"}')])
    const head = `POST /api/discard HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`
    expect(await raw(url, Buffer.concat([Buffer.from(head), body]))).toMatch(/^HTTP\/1.1 400 .*not UTF-8/s)
    for (const given of ['{', '[]', 'null', '{"all":true,"why":"x","__proto__":{"a":1}}']) {
      const response = await fetch(`${url}/api/discard`, {
        method: 'POST',
        body: given,
        headers: { 'content-type': 'application/json' },
      })
      expect([400, 422], given).toContain(response.status)
    }
    expect(await endsOf(broker)).toEqual(before)
  })

  it('leads to no other file', async () => {
    const { url } = await bench()
    const { port } = new URL(url)
    for (const path of [
      '/browser/../server.ts',
      '/browser/%2e%2e/server.ts',
      '/browser/..%2fserver.ts',
      '/browser/script.js%00',
      '/api/topics/..%2f..%2fetc%2fpasswd/records',
      '/tables/..%2f..%2fpackage.json',
      '//etc/passwd',
    ]) {
      const status = await new Promise<number>((resolve, reject) => {
        const asked = request({ port, path, host: '127.0.0.1' }, (response) => {
          response.resume()
          resolve(response.statusCode!)
        })
        asked.on('error', reject).end()
      })
      expect(status, path).toBe(404)
    }
  })
})

describe('a list of tokens', () => {
  it.each([
    ['', 'there are no tokens'],
    ['# nobody', 'there are no tokens'],
    ['anna view', 'line 1: expected NAME ROLE TOKEN'],
    ['anna admin 0123456789abcdef', '`admin` is no role; roles are view, operate, edit'],
    ['\nanna view short', 'line 2: the token of anna is shorter than 16 characters'],
    ['anna view 0123456789abcdef; anna edit fedcba9876543210', 'anna is named twice'],
    ['anna view 0123456789abcdef; bert edit 0123456789abcdef', 'bert has the token of somebody else'],
    ['an/na view 0123456789abcdef', 'a name is up to 64 letters'],
    ['member view 0123456789abcdef', 'other processes'],
  ])('%j is refused', (text, message) => {
    expect(() => new Users(text)).toThrow(TokenProblem)
    expect(() => new Users(text)).toThrow(message)
    expect(() => new Users(text)).not.toThrow(/0123456789abcdef|short$/)
  })
})

it('state shows who may only look no field that the config redacts, whatever member has it', async () => {
  const config = `
name: shop
sources: { orders: { topic: {} } }
deadLetters: { redact: [customer.card] }
streams: { known: { from: orders, steps: [], to: { table: { name: customers } } } }
`
  const { url, users } = await bench({
    config,
    tokens: true,
    orders: [{ key: 'b', value: { customer: { card: '4242' } } }],
  })
  for (const path of ['/tables/customers', '/tables/customers/b']) {
    expect((await ask(url, path, { as: 'vera' })).text).toContain('[redacted]')
    expect((await ask(url, path, { as: 'vera', headers: { accept: 'text/html' } })).text).not.toContain('4242')
    expect((await ask(url, path, { as: 'oskar' })).text).toContain('4242')
    const asMember = { authorization: `Bearer ${users!.memberToken}`, 'oxbow-hop': '1' }
    expect((await ask(url, path, { headers: asMember })).text).toContain('4242')
  }
})
