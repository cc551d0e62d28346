import { connect as connectSocket } from 'node:net'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import type { Connector, Polled } from '../../src/component/source.ts'
import { http } from '../../src/sources/http.ts'
import { connect, keyText, recordedLog, text } from './connect.ts'

const { signal } = new AbortController()
const opened: Connector[] = []
afterEach(async () => {
  for (const connector of opened.splice(0)) await connector.close?.()
})

type Config = Omit<Parameters<typeof connect<typeof http.config>>[1], 'port'>

async function listen(config: Config = {}, once = false): Promise<{ source: Connector; url: string; port: number }> {
  const log = recordedLog()
  const source = await connect(http, { ...config, port: 0 }, { log, once })
  opened.push(source)
  const port = log.lines[0]!.fields.port as number
  return { source, url: `http://127.0.0.1:${port}${config.path ?? '/'}`, port }
}

const post = (url: string, body: string | Buffer, headers: { [name: string]: string } = {}) =>
  fetch(url, { method: 'POST', body, headers })
const error = async (response: Response) => ((await response.json()) as { error: string }).error

/** Commits what comes until it is told to stop. */
async function commitAll(source: Connector): Promise<Polled> {
  const polled = await source.poll(undefined, signal)
  polled.committed?.()
  return polled
}

it('takes a JSON record with its bytes as they came', async () => {
  const { source, url } = await listen({ path: '/orders' })
  const answer = post(url, '{"id": 1,  "a": "é"}')
  const { records } = await commitAll(source)
  expect(records.map(text)).toEqual(['{"id": 1,  "a": "é"}'])
  expect((await answer).status).toBe(202)
  expect(await (await answer).json()).toEqual({ accepted: 1 })
})

it('takes many as JSON lines, with their keys', async () => {
  const { source, url } = await listen({ key: 'id' })
  const answer = post(url, '{"id":"a"}\r\n\n{"id":2}\n{broken', { 'content-type': 'application/x-ndjson' })
  const { records } = await commitAll(source)
  expect(records.map(text)).toEqual(['{"id":"a"}', '{"id":2}', '{broken'])
  expect(records.map(keyText)).toEqual(['a', '2', undefined])
  expect(await (await answer).json()).toEqual({ accepted: 3 })
})

it('takes the key from a header', async () => {
  const { source, url } = await listen({ key: { header: 'X-Key' } })
  void post(url, '1', { 'x-key': 'k' })
  expect((await commitAll(source)).records.map(keyText)).toEqual(['k'])
})

it('answers only when the records are durable', async () => {
  const { source, url } = await listen()
  let answered = false
  const answer = post(url, '1').finally(() => (answered = true))
  const polled = await source.poll(undefined, signal)
  // A whole round trip to the server passes meanwhile.
  expect((await fetch(url)).status).toBe(405)
  expect(answered).toBe(false)
  polled.committed?.()
  expect((await answer).status).toBe(202)
})

it('answers 503 when they could not be made durable, and gives them no second time', async () => {
  const { source, url } = await listen()
  const answer = post(url, '1')
  const polled = await source.poll(undefined, signal)
  polled.failed?.(new Error('The disk is full.'))
  expect((await answer).status).toBe(503)
  expect((await answer).headers.get('retry-after')).toBe('1')
  expect(await error(await answer)).toContain('The disk is full.')
  void post(url, '2')
  expect((await commitAll(source)).records.map(text)).toEqual(['2'])
})

it('answers 503 while too much waits, and takes records again afterwards', async () => {
  const { source, url } = await listen({ maxBytes: '1KiB' })
  const refused: number[] = []
  let taken = 0
  const answers = Array.from({ length: 20 }, async () => {
    const { status } = await post(url, 'x'.repeat(1_024))
    if (status === 503) refused.push(status)
    if (refused.length === 4) while (taken < 16) taken += (await commitAll(source)).records.length
    return status
  })
  const statuses = await Promise.all(answers)
  expect(statuses.sort()).toEqual([...Array<number>(16).fill(202), ...Array<number>(4).fill(503)])
  const again = post(url, '1')
  await commitAll(source)
  expect((await again).status).toBe(202)
})

it.each([
  ['a declared length', 'x'.repeat(3_000_000)],
  ['chunks', new Blob(['x'.repeat(3_000_000)]).stream()],
])('refuses a body that is too large, sent with %s', async (_, body) => {
  const { url } = await listen()
  const answer = await fetch(url, { method: 'POST', body, duplex: 'half' })
  expect(answer.status).toBe(413)
  expect(await error(answer)).toContain('1048576 B')
})

it('says what would be right', async () => {
  const { url } = await listen({ path: '/in' })
  const get = await fetch(url)
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
  expect(await error(get)).toContain('POST one JSON record')
  expect((await fetch(new URL('/else', url))).status).toBe(404)
  expect((await post(url, ' \n')).status).toBe(400)
  expect((await post(url, gzipSync('1'), { 'content-encoding': 'gzip' })).status).toBe(415)
  expect((await post(url, 'x', { 'content-type': 'multipart/form-data; boundary=x' })).status).toBe(415)
})

it('refuses what a web page sends', async () => {
  const { url } = await listen()
  expect((await post(url, '1', { origin: 'https://example.org' })).status).toBe(403)
})

it('lives through a sender that goes away', async () => {
  const { source, url, port } = await listen()
  const socket = connectSocket(port, '127.0.0.1')
  socket.end('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"half":')
  socket.resume()
  await once(socket, 'close')
  const answer = post(url, '1')
  expect((await commitAll(source)).records.map(text)).toEqual(['1'])
  expect((await answer).status).toBe(202)
})

it('refuses what waits when it is closed', async () => {
  const { source, url } = await listen()
  const taken = post(url, '1')
  await source.poll(undefined, signal)
  await source.close?.()
  opened.length = 0
  expect((await taken).status).toBe(503)
  await expect(fetch(url)).rejects.toThrow()
})

it('closes although a sender is slow', async () => {
  const { source, port } = await listen()
  const socket = connectSocket(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n')
  await once(socket, 'data')
  const closed = once(socket, 'close')
  await source.close?.()
  await closed
})

it('waits for nothing when it is polled once', async () => {
  const { source } = await listen({}, true)
  expect(await source.poll(undefined, signal)).toMatchObject({ records: [], wait: 'ended' })
})

it('stops waiting when the pipeline stops', async () => {
  const { source } = await listen()
  const stop = new AbortController()
  const polled = source.poll(undefined, stop.signal)
  stop.abort()
  expect((await polled).records).toEqual([])
})

it('says that the port is taken', async () => {
  const { port } = await listen()
  await expect(connect(http, { port })).rejects.toThrow(
    `Cannot listen on 127.0.0.1:${port}: something else listens there`,
  )
})
