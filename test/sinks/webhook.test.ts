import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import type { Fault } from '../../src/record/fault.ts'
import { webhook } from '../../src/sinks/webhook.ts'
import { openSink, receiptText, record, write } from './write.ts'

interface Posted {
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

/** A receiver that keeps what is posted and answers with these statuses, the last one for ever. */
async function receiver(
  statuses: readonly number[] = [200],
  answer?: RequestListener,
): Promise<{ url: string; posted: Posted[] }> {
  const posted: Posted[] = []
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      posted.push({ body: body.toString(), headers: request.headers })
      if (answer) return answer(request, response)
      response.writeHead(statuses[Math.min(posted.length, statuses.length) - 1]!).end('ok')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/secret?token=secret`, posted }
}

async function open(config: Parameters<typeof openSink<typeof webhook.config>>[1]) {
  const sink = await openSink(webhook, config)
  onTestFinished(() => sink.close())
  return sink
}

it('posts each value as JSON, one after another, and text as chats take it', async () => {
  const { url, posted } = await receiver()
  const sink = await open({ url, headers: { authorization: 'Bearer x' } })
  const receipts = await write(sink, [{ text: 'firing', size: 7 }, 'plain', Buffer.from('{"raw": 1}'), null])
  expect(receipts).toEqual(['written', 'written', 'written', 'written'])
  expect(posted.map(({ body }) => body)).toEqual([
    '{"text":"firing","size":7}',
    '{"text":"plain"}',
    '{"raw": 1}',
    'null',
  ])
  expect(posted[0]!.headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer x' })
})

it('names a record the same when it is sent again', async () => {
  const { url, posted } = await receiver([500, 200])
  const sink = await open({ url })
  const { signal } = new AbortController()
  const given = record({ a: 1 })
  expect((await sink.write([given], signal)).map(receiptText)).toEqual(['http.status retry'])
  expect(await sink.write([given], signal)).toEqual(['written'])
  await sink.write([record({ a: 2 })], signal)
  const ids = posted.map(({ headers }) => headers['idempotency-key'])
  expect(ids[0]).toBe(ids[1])
  expect(ids[2]).not.toBe(ids[0])
})

it.each([
  [500, 'http.status retry'],
  [503, 'http.status retry'],
  [429, 'http.status retry'],
  [400, 'http.status deadLetter'],
  [404, 'http.status deadLetter'],
])('answers %d with the fault %s, and posts the records after it', async (status, expected) => {
  const { url } = await receiver([status, 200])
  const receipts = await write(await open({ url }), [1, 2])
  expect(receipts.map(receiptText)).toEqual([expected, 'written'])
})

it('tries the others no more when nobody is there', async () => {
  const { url } = await receiver()
  const closed = new URL(url)
  closed.port = '9'
  expect((await write(await open({ url: closed.href }), [1, 2])).map(receiptText)).toEqual([
    'http.unavailable retry',
    'http.unavailable retry',
  ])
})

it('waits no longer than its timeout, once', async () => {
  const { url, posted } = await receiver([], () => undefined)
  const receipts = await write(await open({ url, timeout: '50ms' }), [1, 2, 3])
  expect(receipts.map(receiptText)).toEqual(Array<string>(3).fill('http.timeout retry'))
  expect(posted).toHaveLength(1)
})

it('takes a redirect for no delivery', async () => {
  const target = await receiver()
  const { url } = await receiver([], (_, response) => response.writeHead(302, { location: target.url }).end())
  expect((await write(await open({ url }), [1])).map(receiptText)).toEqual(['webhook.redirected deadLetter'])
})

it('shows nothing of the URL but its origin', async () => {
  const { url } = await receiver([404])
  const [receipt] = await write(await open({ url }), [1])
  expect((receipt as Fault).message).toContain('127.0.0.1')
  expect((receipt as Fault).message).not.toContain('secret')
})

it('reaches no private address when it is told not to', async () => {
  const { url, posted } = await receiver()
  const receipts = await write(await open({ url, allowPrivate: false }), [1])
  expect(receipts.map(receiptText)).toEqual(['http.private_address deadLetter'])
  expect(posted).toEqual([])
})

it('fails a value that JSON cannot hold', async () => {
  const { url } = await receiver()
  const receipts = await write(await open({ url }), [{ big: 1n }, 1])
  expect(receipts.map(receiptText)).toEqual(['operator.threw deadLetter', 'written'])
})

it('gives up when the pipeline stops, and fails no record', async () => {
  const stop = new AbortController()
  const { url } = await receiver([], () => stop.abort(new Error('stopping')))
  await expect(write(await open({ url }), [1], stop.signal)).rejects.toThrow('stopping')
})
