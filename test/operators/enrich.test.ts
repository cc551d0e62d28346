import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { from, lastValueFrom, toArray } from 'rxjs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { enrich } from '../../src/operators/enrich.ts'
import type { Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { verdicts } from '../support/outcomes.ts'
import { record } from '../support/records.ts'

type Config = Parameters<typeof enrich.over>[0]

/** A server of this test alone; gives its address. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const asking = (url: string, more: Partial<Config> = {}) =>
  enrich.over({ url, as: 'market', allowPrivate: true, ...more }, context())

const outcomes = (url: string, records: readonly Record[], more: Partial<Config> = {}): Promise<Outcome[]> =>
  lastValueFrom(from(records).pipe(asking(url, more), toArray()))

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk as string
  return text
}

describe('enrich', () => {
  it('puts the answer under a field, having encoded what it put into the URL', async () => {
    const asked: (string | undefined)[] = []
    const server = await serve((request, response) => {
      asked.push(request.method, request.url, request.headers['x-key'] as string, request.headers.accept)
      response.end('{"open":true}')
    })
    const url = `${server}/markets/{record.slug}?of={record.who.name}`

    expect(
      await verdicts(asking(url, { headers: { 'x-key': 'k' } }), { slug: 'a/b?c', who: { name: 'è&é' }, market: 1 }),
    ).toEqual([[{ slug: 'a/b?c', who: { name: 'è&é' }, market: { open: true } }]])
    expect(asked).toEqual(['GET', '/markets/a%2Fb%3Fc?of=%C3%A8%26%C3%A9', 'k', 'application/json'])
  })

  it('sends the value as JSON with POST', async () => {
    const server = await serve((request, response) => {
      void bodyOf(request).then((body) =>
        response.end(JSON.stringify([request.method, request.headers['content-type'], JSON.parse(body)])),
      )
    })

    expect(await verdicts(asking(`${server}/`, { method: 'POST' }), { id: 1 })).toEqual([
      [{ id: 1, market: ['POST', 'application/json', { id: 1 }] }],
    ])
  })

  it.each([
    [200, '{"a":', 'response.unreadable', 'deadLetter'],
    [204, '', 'response.unreadable', 'deadLetter'],
    [400, '{}', 'http.refused', 'deadLetter'],
    [404, '{}', 'http.refused', 'deadLetter'],
    [408, '{}', 'http.unavailable', 'retry'],
    [429, '{}', 'http.unavailable', 'retry'],
    [500, '{}', 'http.unavailable', 'retry'],
    [503, '{}', 'http.unavailable', 'retry'],
  ])('takes status %i with %j for %s, %s', async (status, body, code, disposition) => {
    const server = await serve((_, response) => response.writeHead(status).end(body))

    expect(await outcomes(`${server}/`, [record({})])).toMatchObject([{ type: 'fail', fault: { code, disposition } }])
  })

  it('shows neither the answer nor query values in a fault', async () => {
    const server = await serve((_, response) => response.writeHead(403).end('secret'))
    const [outcome] = await outcomes(`${server}/m?key=secret`, [record({})])

    expect(outcome).toMatchObject({ fault: { message: expect.stringMatching(/\/m.* answered with status 403\.$/) } })
    expect(outcome).not.toMatchObject({ fault: { message: expect.stringContaining('secret') } })
  })

  it('lets a record be tried again when nobody answers, or not in time', async () => {
    const silent = await serve(() => undefined)
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await once(closed, 'close')

    expect(await outcomes(`${silent}/`, [record({})], { timeout: '50ms' })).toMatchObject([
      { fault: { code: 'http.timeout', disposition: 'retry' } },
    ])
    expect(await outcomes(`http://127.0.0.1:${port}/`, [record({})])).toMatchObject([
      { fault: { code: 'http.unavailable', disposition: 'retry' } },
    ])
  })

  it('takes no answer larger than allowed', async () => {
    const server = await serve((_, response) => response.end(JSON.stringify('x'.repeat(2_000))))

    expect(await verdicts(asking(`${server}/`, { maxBytes: '1KiB' }), {})).toEqual(['fail http.body_too_large'])
  })

  it('asks no private address unless allowed', async () => {
    let requests = 0
    const server = await serve((_, response) => {
      requests++
      response.end('{}')
    })

    const over = enrich.over({ url: `${server}/`, as: 'market' }, context())
    expect(await verdicts(over, {})).toEqual(['fail http.private_address'])
    expect(requests).toBe(0)
  })

  it('asks nobody for a record that cannot fill the URL', async () => {
    let requests = 0
    const server = await serve((_, response) => {
      requests++
      response.end('{}')
    })

    expect(await verdicts(asking(`${server}/{record.id}`), {}, { id: null }, { id: '..' }, { id: [] })).toEqual([
      'fail record.missing_field',
      'fail value.not_text',
      'fail http.bad_url',
      'fail value.not_text',
    ])
    expect(requests).toBe(0)
  })

  it('asks for as many records at once as it is told, those of one key one after another', async () => {
    const waiting: { readonly id: string; answer(): void }[] = []
    let arrived = () => {}
    const server = await serve((request, response) => {
      if (request.url === '/probe') return void response.end()
      waiting.push({ id: request.url!.slice(1), answer: () => response.end('{}') })
      arrived()
    })
    const next = async (count: number) => {
      while (waiting.length < count) await new Promise<void>((resolve) => (arrived = resolve))
      return waiting.map(({ id }) => id).sort()
    }
    const of = (key: string, id: string) => record({ id }, { key: Buffer.from(key) })
    const records = [of('a', 'a1'), of('a', 'a2'), of('b', 'b1'), of('c', 'c1')]

    const done = outcomes(`${server}/{record.id}`, records, { concurrency: 2 })
    await next(2)
    // Whatever else had been asked by now would be here before this.
    await fetch(`${server}/probe`)
    expect(await next(2)).toEqual(['a1', 'b1'])
    waiting.find(({ id }) => id === 'a1')!.answer()
    expect(await next(3)).toHaveLength(3)
    waiting.find(({ id }) => id === 'b1')!.answer()
    expect(await next(4)).toEqual(['a1', 'a2', 'b1', 'c1'])
    for (const { answer } of waiting) answer()

    const finished = (await done).map(({ record }) => (record.value as { id: string }).id)
    expect([...finished].sort()).toEqual(['a1', 'a2', 'b1', 'c1'])
    expect(finished.indexOf('a1')).toBeLessThan(finished.indexOf('a2'))
  })

  it('breaks off a request when the stream is given up', async () => {
    const { promise: request, resolve: arrive } = Promise.withResolvers<IncomingMessage>()
    const server = await serve(arrive)
    const subscription = from([record({})])
      .pipe(asking(`${server}/`, { timeout: '1h' }))
      .subscribe()

    const { socket } = await request
    subscription.unsubscribe()
    await once(socket, 'close')
    expect(socket.destroyed).toBe(true)
  })

  it.each([
    'https://{record.host}/',
    'https://api.{record.host}',
    'https://api.example.org{record.path}',
    'https://api.example.org:{record.port}/',
    'ftp://example.org/{record.path}',
    'example.org/{record.path}',
    '{record.url}',
  ])('refuses the URL %s, where a record could choose the server', (url) => {
    expect(enrich.config.safeParse({ url, as: 'market' }).error?.issues).toEqual([
      expect.objectContaining({
        message: 'expected "http://" or "https://" and the host written out, places only after it',
      }),
    ])
  })
})
