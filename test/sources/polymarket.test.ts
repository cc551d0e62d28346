import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { polymarket } from '../../src/sources/polymarket.ts'
import {
  clockAt,
  connect,
  drain,
  faultCode,
  hurried,
  keyText,
  recordedLog,
  text,
  type Surroundings,
} from './connect.ts'

const noon = Date.parse('2026-01-08T12:00:00Z') / 1_000
const { signal } = new AbortController()

/** What a local Polymarket answers: by slug a market's tokens, by token a price history; a number is a status. */
interface Exchange {
  markets?: { [slug: string]: unknown }
  prices: { [token: string]: unknown }
  readonly asked: URL[]
  readonly url: string
}

async function exchange(given: Pick<Exchange, 'markets' | 'prices'>): Promise<Exchange> {
  const answers = { ...given, asked: [] as URL[] }
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://localhost')
    answers.asked.push(url)
    const slug = url.searchParams.get('slug')
    const answer = slug === null ? answers.prices[url.searchParams.get('market')!] : (answers.markets?.[slug] ?? [])
    if (typeof answer === 'number') return void response.writeHead(answer).end()
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return Object.assign(answers, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

const gamma = (slug: string, outcomes: string[], tokens: string[]) => [
  { slug, outcomes: JSON.stringify(outcomes), clobTokenIds: JSON.stringify(tokens) },
]
const history = (...prices: number[]) => ({ history: prices.map((p, i) => ({ t: noon + 15 + i * 3_600, p })) })
const yes = { slug: 'river', outcome: 'Yes', token: '1' }
const no = { slug: 'river', outcome: 'No', token: '2' }

type Config = Parameters<typeof connect<typeof polymarket.config>>[1]

async function open(config: Config, surroundings: Surroundings = { scheduler: clockAt('2026-01-09T00:00:00Z') }) {
  const connector = await connect(polymarket, { allowPrivate: true, ...config }, surroundings)
  onTestFinished(() => connector.close?.())
  return connector
}

describe('the price history', () => {
  it('is read for every outcome of a market that is named by its slug', async () => {
    const { url, asked } = await exchange({
      markets: { 'the river?': gamma('the river?', ['Yes', 'No'], ['1', '2']) },
      prices: { 1: history(0.4, 0.5), 2: history(0.6) },
    })
    const { records, wait } = await drain(
      await open({ markets: ['the river?'], baseUrl: `${url}/`, gammaUrl: url, every: '30m' }),
    )
    expect(records.map(keyText)).toEqual(['the river?|Yes', 'the river?|Yes', 'the river?|No'])
    expect(wait).toBe(1_800_000)
    expect(asked.map(({ pathname }) => pathname)).toEqual(['/markets', '/prices-history', '/prices-history'])
    expect(asked[1]!.searchParams.get('fidelity')).toBe('10')
  })

  it('goes on after a restart with what is new, and asks for no more', async () => {
    const server = await exchange({ prices: { 1: history(0.4, 0.5) } })
    const config = { markets: [yes], baseUrl: server.url }
    const first = await drain(await open(config))
    expect(first.records).toHaveLength(2)

    server.prices[1] = history(0.4, 0.5, 0.7)
    const second = await drain(await open(config), first.cursor)
    expect(second.records.map((record) => JSON.parse(text(record)!) as unknown)).toMatchObject([
      { price: 0.7, prev_price: 0.5 },
    ])
    expect((await drain(await open(config), second.cursor)).records).toEqual([])
    expect(server.asked[0]!.searchParams.get('interval')).toBe('max')
    expect(server.asked[1]!.searchParams.get('startTs')).toBe(String(noon + 7_200))
  })

  it('asks for the whole history when the last hour lies too far back', async () => {
    const server = await exchange({ prices: { 1: history(0.4) } })
    const late = { scheduler: clockAt('2026-02-09T00:00:00Z') }
    const { cursor } = await drain(await open({ markets: [yes], baseUrl: server.url }, late))
    await drain(await open({ markets: [yes], baseUrl: server.url }, late), cursor)
    expect(server.asked[1]!.searchParams.get('interval')).toBe('max')
  })

  it('leaves the other markets alone when one fails, and reads it again soon', async () => {
    const server = await exchange({ prices: { 1: 500, 2: history(0.6) } })
    const log = recordedLog()
    const connector = await open(
      { markets: [yes, no, 'unheard of'], baseUrl: server.url, gammaUrl: server.url },
      { log, scheduler: clockAt('2026-01-09T00:00:00Z') },
    )
    const first = await drain(connector)
    expect(first.records.map(keyText)).toEqual(['river|No'])
    expect(first.wait).toBe(60_000)
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'the market was not found; it is looked for again, and the others go on'],
      ['warn', 'prices were not read; the other markets go on'],
    ])
    server.prices[1] = history(0.4)
    expect((await drain(connector, first.cursor)).records.map(keyText)).toEqual(['river|Yes'])
    expect(log.lines).toHaveLength(2) // It was said why before.
  })

  it('fails when no market can be read, or found', async () => {
    const { url } = await exchange({
      prices: { 1: 404 },
      markets: { odd: [{ slug: 'odd', outcomes: '["Yes"]', clobTokenIds: '[]' }] },
    })
    await expect(drain(await open({ markets: [yes], baseUrl: url }))).rejects.toThrow('answered with status 404')
    await expect(drain(await open({ markets: ['lost'], gammaUrl: url }))).rejects.toThrow(
      'knows no market with the slug "lost"',
    )
    await expect(drain(await open({ markets: ['odd'], gammaUrl: url }))).rejects.toThrow('1 outcomes and 0 tokens')
  })

  it('warns once of a market without prices', async () => {
    const { url } = await exchange({ prices: { 1: { history: [] } } })
    const log = recordedLog()
    const connector = await open({ markets: [yes], baseUrl: url }, { log })
    const { records, cursor } = await drain(connector)
    await drain(connector, cursor)
    expect(records).toEqual([])
    expect(log.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('resolved market') as string }])
  })

  it('keeps an answer that cannot be read, once, and goes on when it can', async () => {
    const server = await exchange({ prices: { 1: '{"history":[{"t":1,"p":NaN}]}' } })
    const connector = await open({ markets: [yes], baseUrl: server.url })
    const first = await drain(connector)
    expect(first.records.map(faultCode)).toEqual(['price.unreadable'])
    expect(first.records.map(text)).toEqual(['{"history":[{"t":1,"p":NaN}]}'])
    const second = await drain(connector, first.cursor)
    expect(second.records).toEqual([])
    server.prices[1] = history(0.4)
    expect((await drain(connector, second.cursor)).records).toHaveLength(1)
  })

  it('reaches no private address unless it is told to', async () => {
    const { url, asked } = await exchange({ prices: { 1: history(0.4) } })
    await expect(drain(await open({ markets: [yes], baseUrl: url, allowPrivate: false }))).rejects.toThrow(
      'allowPrivate',
    )
    expect(asked).toEqual([])
  })
})

describe('the market channel', () => {
  const trade = (price: string) =>
    JSON.stringify({ event_type: 'last_trade_price', asset_id: '1', price, size: '1', timestamp: '1767873600123' })

  async function channel(): Promise<{ url: string; accept(): Promise<WebSocket>; server: WebSocketServer }> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    onTestFinished(() => {
      for (const client of server.clients) client.terminate()
      server.close()
    })
    const accept = async () => ((await once(server, 'connection')) as [WebSocket, IncomingMessage])[0]
    return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws/market`, accept, server }
  }

  const websocket = (url: string, surroundings: Surroundings = {}) =>
    open({ markets: [yes], mode: 'websocket', wsUrl: url }, surroundings)

  it('is subscribed to, and gives records until they are committed', async () => {
    const { url, accept } = await channel()
    const accepted = accept()
    const connector = await websocket(url)
    const socket = await accepted
    const [subscription] = (await once(socket, 'message')) as [Buffer]
    expect(JSON.parse(subscription.toString())).toEqual({ type: 'market', assets_ids: ['1'] })

    socket.send('PONG')
    socket.send(trade('0.4'))
    const first = await connector.poll(undefined, signal)
    const again = await connector.poll(undefined, signal)
    expect(again.records).toEqual(first.records)
    expect(first.records.map(keyText)).toEqual(['river|Yes'])
    first.committed?.()

    socket.send('[]')
    socket.send('what?')
    expect((await connector.poll(undefined, signal)).records.map(faultCode)).toEqual(['message.unknown'])
  })

  it('is connected to again when the connection is lost', async () => {
    const { url, accept } = await channel()
    const log = recordedLog()
    const first = accept()
    const connector = await websocket(url, { scheduler: hurried, log })
    const second = first.then((socket) => {
      const accepted = accept()
      socket.close()
      return accepted
    })
    ;(await second).send(trade('0.5'))
    expect((await connector.poll(undefined, signal)).records).toHaveLength(1)
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { again: 1_000 } }])
  })

  it('is pinged, and left when it has gone silent', async () => {
    const { url, accept } = await channel()
    const log = recordedLog()
    const accepted = accept()
    await websocket(url, { scheduler: hurried, log })
    const socket = await accepted
    const again = accept()
    const heard: string[] = []
    socket.on('message', (data: Buffer) => heard.push(data.toString()))
    await again
    expect(heard.slice(1)).toEqual(['PING', 'PING'])
    expect(log.lines[0]!.fields.error).toContain('silent')
  })

  it('is not read while too much waits', async () => {
    const { url, accept } = await channel()
    const accepted = accept()
    const connector = await websocket(url)
    const socket = await accepted
    const frame = 'x'.repeat(200_000)
    const total = 400
    for (let i = 0; i < total; i++) socket.send(frame)
    const waiting = async () => (await connector.poll(undefined, signal)).records.length
    while ((await waiting()) * frame.length < 16_777_216) await setImmediate()
    // Time enough for the rest to arrive, if it were read.
    for (let turn = 0; turn < 2_000; turn++) await setImmediate()
    expect(await waiting()).toBeLessThan(100)
    expect(socket.bufferedAmount).toBeGreaterThan(0)

    let count = 0
    while (count < total) {
      const polled = await connector.poll(undefined, signal)
      count += polled.records.length
      polled.committed?.()
    }
    expect(count).toBe(total)
  })

  it('gives what comes first when it is polled once, and says when there is nothing to connect to', async () => {
    const { url, accept, server } = await channel()
    void accept().then((socket) => socket.send(trade('0.4')))
    expect((await drain(await websocket(url, { once: true }))).records).toHaveLength(1)
    for (const client of server.clients) client.terminate()
    server.close()
    await once(server, 'close')
    const connector = await websocket(url, { once: true, scheduler: hurried })
    await expect(drain(connector)).rejects.toThrow('ECONNREFUSED')
  })

  it('reaches no private address unless it is told to', async () => {
    const { url, server } = await channel()
    const config = { wsUrl: url, allowPrivate: false, timeout: '50ms' }
    await expect(drain(await open({ ...config, markets: [yes], mode: 'websocket' }, { once: true }))).rejects.toThrow(
      'allowPrivate',
    )
    expect(server.clients.size).toBe(0)
  })

  it('stops waiting when the pipeline stops', async () => {
    const { url } = await channel()
    const stop = new AbortController()
    const polled = (await websocket(url)).poll(undefined, stop.signal)
    stop.abort()
    expect((await polled).records).toEqual([])
  })
})
