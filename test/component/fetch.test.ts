import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { asyncScheduler, VirtualTimeScheduler } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { createFetcher, type Fetcher, type FetcherOptions } from '../../src/component/fetch.ts'
import { HttpStatusFault } from '../../src/component/httpFault.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function fetcher(options: Partial<FetcherOptions> = {}): Fetcher {
  const made = createFetcher({
    allowPrivate: true,
    timeout: 10_000,
    maxBytes: 100_000,
    scheduler: asyncScheduler,
    ...options,
  })
  closing.push(() => made.close())
  return made
}

async function received(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

const code = async (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    () => 'no fault',
    (fault: { code?: string }) => fault.code ?? fault,
  )

describe('a request', () => {
  it('gives status, headers and body', async () => {
    const url = await serve((_, response) => response.writeHead(404, { 'x-kind': 'none' }).end('nothing here'))
    const answer = await fetcher().fetch(`${url}/a`)
    expect([answer.status, answer.headers.get('x-kind'), String(answer.body), answer.url]).toEqual([
      404,
      'none',
      'nothing here',
      `${url}/a`,
    ])
  })

  it('sends method, headers and body', async () => {
    const url = await serve((request, response) => {
      void received(request).then((body) => response.end(`${request.method} ${String(request.headers['x-a'])} ${body}`))
    })
    const answer = await fetcher().fetch(url, { method: 'post', headers: { 'x-a': '1' }, body: '{}' })
    expect(String(answer.body)).toBe('POST 1 {}')
  })

  it('sends user and password of the URL as basic authorization and shows neither', async () => {
    const url = await serve((request, response) => response.end(request.headers.authorization))
    const secret = `${url.replace('//', '//me:p%40ss@')}/f?key=abc#x`
    const answer = await fetcher().fetch(secret)
    expect(String(answer.body)).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    expect(answer.url).not.toContain('p%40ss')
    expect(fetcher().show(secret)).toBe(`${url}/f?key=…`)
    expect(fetcher({ secretUrl: true }).show(secret)).toBe(url)
  })

  it('is answered by http.unavailable when nobody listens, or the body breaks off', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy())
    })
    expect(await code(fetcher().fetch(url))).toBe('http.unavailable')
    expect(await code(fetcher().fetch('http://127.0.0.1:1/'))).toBe('http.unavailable')
  })

  it.each(['ftp://example.org/a', 'file:///etc/passwd', 'example.org', ''])('refuses %j', async (url) => {
    expect(await code(fetcher().fetch(url))).toBe('http.bad_url')
  })

  it('gives up on a body that does not end in time', async () => {
    const scheduler = new VirtualTimeScheduler()
    const url = await serve((_, response) => {
      response.write('a', () => scheduler.flush())
    })
    await expect(fetcher({ scheduler, timeout: 500 }).fetch(url)).rejects.toMatchObject({
      code: 'http.timeout',
      disposition: 'retry',
      message: `${url}/ did not answer within 500 ms.`,
    })
  })

  it('rejects with the reason of its signal, before and during', async () => {
    const stop = new AbortController()
    const reason = new Error('stopping')
    const url = await serve(() => stop.abort(reason))
    await expect(fetcher().fetch(url, { signal: stop.signal })).rejects.toBe(reason)
    await expect(fetcher().fetch(url, { signal: stop.signal })).rejects.toBe(reason)
  })
})

describe('a body', () => {
  const text = 'sediment '.repeat(1_000)

  it.each([
    ['gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
  ])('of encoding %s is decompressed', async (encoding, bytes) => {
    const url = await serve((_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bytes))
    expect(String((await fetcher().fetch(url)).body)).toBe(text)
  })

  it.each([
    ['gzip', gzipSync(Buffer.alloc(50_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000))],
    ['deflate', deflateSync(Buffer.alloc(50_000_000))],
  ])('that is a bomb of %s is refused', async (encoding, bytes) => {
    const url = await serve((_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bytes))
    await expect(fetcher().fetch(url)).rejects.toMatchObject({
      code: 'http.body_too_large',
      disposition: 'deadLetter',
      message: `The body of ${url}/ is larger than 100000 bytes.`,
    })
  })

  it('without a length is refused where it passes the limit, without reading on', async () => {
    let sent = 0
    const ended = Promise.withResolvers<void>()
    const url = await serve((_, response) => {
      const more = (): void => {
        sent += 10_000
        if (!response.destroyed) response.write(Buffer.alloc(10_000), () => setImmediate(more))
      }
      response.on('close', ended.resolve)
      more()
    })
    expect(await code(fetcher().fetch(url))).toBe('http.body_too_large')
    await ended.promise
    expect(sent).toBeLessThan(50_000_000)
  })

  it('with a length above the limit is refused unread', async () => {
    const url = await serve((_, response) => void response.writeHead(200, { 'content-length': 200_000 }).flushHeaders())
    expect(await code(fetcher().fetch(url))).toBe('http.body_too_large')
  })

  it('that is not what its encoding says, or is cut short, is unavailable', async () => {
    const bytes = gzipSync(text)
    const url = await serve(({ url: path }, response) => {
      const body = path === '/cut' ? bytes.subarray(0, bytes.length - 12) : 'plain'
      response.writeHead(200, { 'content-encoding': path === '/other' ? 'rot13' : 'gzip' }).end(body)
    })
    for (const path of ['/cut', '/plain', '/other']) {
      expect(await code(fetcher().fetch(url + path))).toBe('http.unavailable')
    }
  })

  it('may be empty', async () => {
    const url = await serve((_, response) => response.writeHead(304, { 'content-encoding': 'gzip' }).end())
    expect((await fetcher().fetch(url)).body).toEqual(Buffer.alloc(0))
  })
})

describe('a redirect', () => {
  const headers = { authorization: 'Bearer t', cookie: 'c=1', 'x-api-key': 'k', 'user-agent': 'oxbow', accept: 'a/b' }
  const echo: RequestListener = (request, response) =>
    void received(request).then((body) =>
      response.end(JSON.stringify({ method: request.method, headers: request.headers, body })),
    )

  it('keeps credentials within an origin and drops them across', async () => {
    const other = await serve(echo)
    const url = await serve((request, response) => {
      if (request.url === '/in') response.writeHead(302, { location: '/here' }).end()
      else if (request.url === '/out') response.writeHead(302, { location: `${other}/there` }).end('moved')
      else echo(request, response)
    })
    const within = await fetcher().fetch(`${url}/in`, { headers })
    expect(within.url).toBe(`${url}/here`)
    expect(JSON.parse(String(within.body)).headers).toMatchObject(headers)

    const across = await fetcher().fetch(`${url}/out`, { headers })
    const names = Object.keys(JSON.parse(String(across.body)).headers)
    expect(names).toEqual(expect.arrayContaining(['user-agent', 'accept']))
    expect(names.filter((name) => ['authorization', 'cookie', 'x-api-key'].includes(name))).toEqual([])
  })

  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', 'b'],
    [308, 'PUT', 'PUT', 'b'],
  ])('of status %d makes %s a %s', async (status, method, then, body) => {
    const url = await serve((request, response) => {
      if (request.url === '/there') echo(request, response)
      else response.writeHead(status, { location: '/there' }).end()
    })
    const answer = await fetcher().fetch(url, { method, body: 'b' })
    expect(JSON.parse(String(answer.body))).toMatchObject({ method: then, body })
  })

  it('that does not end, or leads off the web, is a fault', async () => {
    const url = await serve(({ url: path }, response) =>
      response.writeHead(302, { location: path === '/file' ? 'file:///etc/passwd' : '/again' }).end(),
    )
    for (const path of ['/round', '/file']) {
      expect(await code(fetcher().fetch(url + path))).toBe('http.too_many_redirects')
    }
  })
})

describe('a private address', () => {
  const publicOnly = (): Fetcher => fetcher({ allowPrivate: false, timeout: 3_000 })

  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a00:1]',
    '[fe80::1]',
    '[fd00::1]',
    '[ff02::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:1::]',
    '[::127.0.0.1]',
    'localhost',
  ])('%s is refused', async (host) => {
    await expect(publicOnly().fetch(`http://${host}:9/feed?key=1`)).rejects.toMatchObject({
      code: 'http.private_address',
      disposition: 'deadLetter',
    })
  })

  it('is refused where a name resolves to it, and nothing is sent', async () => {
    let asked = 0
    const url = await serve((_, response) => response.end(String(asked++)))
    const local = url.replace('127.0.0.1', 'localhost')
    await expect(publicOnly().fetch(local)).rejects.toThrow(/localhost has no public address; allowPrivate/)
    expect(asked).toBe(0)
  })
})

it('says by status whether a request may be tried again', () => {
  const disposition = (status: number) => new HttpStatusFault(status, 'http://a/').disposition
  expect([400, 404, 410, 408, 429, 500, 503].map(disposition)).toEqual([
    'deadLetter',
    'deadLetter',
    'deadLetter',
    'retry',
    'retry',
    'retry',
    'retry',
  ])
})
