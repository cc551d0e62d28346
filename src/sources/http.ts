import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { path, size } from '../component/fields.ts'
import { defineSource, type Connector } from '../component/source.ts'
import { ValueUnreadableFault } from '../component/value.ts'
import { openInbox } from './http/inbox.ts'
import { receive } from './http/receive.ts'

export const http = defineSource({
  name: 'http',
  summary: 'Takes records that are sent by POST, and answers once they are durable.',

  config: z.strictObject({
    port: z.int().min(0).max(65_535).describe('Port to listen on; 0 takes a free one and logs which.'),
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address to listen on: this machine alone by default; there is no authentication.'),
    path: z.string().startsWith('/', 'expected a path such as "/events"').default('/').describe('Path of the URL.'),
    maxBytes: size().prefault('1MiB').describe('The largest body; a larger one is refused with 413.'),
    key: z
      .union([path(), z.strictObject({ header: z.string().min(1) })])
      .optional()
      .describe('What becomes the key: a field of the JSON value, or a header of the request.'),
  }),

  faults: [ValueUnreadableFault],

  examples: [
    { title: 'Orders, keyed by customer', config: { port: 8080, path: '/orders', key: 'customer.id' } },
    { title: 'The key in a header', config: { port: 8080, key: { header: 'x-key' } } },
  ],

  format: () => 'json',

  async open(config, { log, once }): Promise<Connector> {
    const inbox = openInbox(config.maxBytes * bodiesAtOnce, once)
    const stop = new AbortController()
    const active = new Set<Promise<void>>()
    const server = createServer((request, response) => {
      const received = receive(request, response, { config, inbox, log, stopped: stop.signal })
      active.add(received)
      void received.finally(() => active.delete(received))
    })
    await listen(server, config.host, config.port)
    const { port } = server.address() as AddressInfo
    log.info({ host: config.host, port, path: config.path }, 'listening for records')

    return {
      poll: (_cursor, signal) => inbox.poll(signal),
      async close() {
        const closed = new Promise((done) => server.close(done))
        stop.abort()
        inbox.close()
        await Promise.allSettled(active)
        server.closeAllConnections()
        await closed
      },
    }
  },
})

/** Bodies of the largest size that may be read or wait at once; beyond that senders are told to come back. */
const bodiesAtOnce = 16

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((listening, refused) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const problem = cause.code === 'EADDRINUSE' ? 'something else listens there; choose another port' : cause.message
      refused(new Error(`Cannot listen on ${host}:${port}: ${problem}.`, { cause }))
    })
    server.listen(port, host, listening)
  })
}
