import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { exposed } from './exposed.ts'
import { isLocal } from './host.ts'
import { longestAddress, mostHeaders } from './receive.ts'
import { respond, type Responding } from './respond.ts'
import { Router } from './router.ts'
import { Door } from './security/door.ts'
import type { Proxies } from './security/proxies.ts'
import { byToken, localUser } from './security/visitor.ts'
import { send } from './send.ts'
import { endpointsOf, type SiteParts } from './site.ts'
import { Streams } from './streams.ts'
import { Redrives } from './workbench/redrives.ts'
import { Rehearsals } from './workbench/rehearsals.ts'
import { Workbench } from './workbench/workbench.ts'

export interface ServerParts extends SiteParts {
  /** 0 for any that is free. */
  readonly port: number
  /** The address to listen on; only this machine when absent. */
  readonly host?: string
  /** Who is believed about where requests come from; nobody when absent. */
  readonly proxies?: Proxies
}

export interface RunningServer {
  readonly url: string
  close(): Promise<void>
}

/** The server could not start; the message says why and what would help. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
}

/**
 * Serves the workbench, its API, health and metrics over HTTP.
 * @throws ServerError when it cannot listen there, or would be open to others without a token
 */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { port, host = '127.0.0.1', users, proxies, log } = parts
  if (!users && !isLocal(host)) throw new ServerError(exposed(host))
  const workbench = new Workbench(parts)
  const redrives = new Redrives(workbench)
  const rehearsals = new Rehearsals(workbench)
  const door = users && new Door(users, log, proxies)
  const responding: Responding = {
    router: new Router(endpointsOf(workbench, redrives, rehearsals, parts, door)),
    doorkeeper: users && door ? byToken(users, door) : localUser(),
    ...(!users && { openAt: host }),
    streams: new Streams(),
    log,
  }
  const server = createServer({ maxHeaderSize: mostHeaders }, (request, response) => {
    void respond(request, responding).then((answer) => send(answer, request, response, log))
  })
  server.on('clientError', refuseUnreadable)
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    throw new ServerError(refused(cause as NodeJS.ErrnoException, port, host), { cause })
  }
  const address = server.address() as AddressInfo
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    async close() {
      await Promise.all([redrives.close(), rehearsals.close()])
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** What is no request that can be read. */
function refuseUnreadable({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) return
  const isLarge = code === 'HPE_HEADER_OVERFLOW'
  const detail = isLarge
    ? `The headers of a request may have ${mostHeaders} bytes at most, its address ${longestAddress} characters.`
    : 'This is no HTTP request that can be read.'
  const body = JSON.stringify({
    type: 'about:blank',
    title: isLarge ? 'The headers are too large' : 'Bad request',
    status: isLarge ? 431 : 400,
    detail,
  })
  const status = isLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function refused({ code, message }: NodeJS.ErrnoException, port: number, host: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use. Name another with --port, or serve no HTTP with --no-http.`
    case 'EACCES':
      return `Port ${port} on ${host} is not allowed. Name one above 1023 with --port.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine.`
    default:
      return `Cannot listen on ${host}:${port}: ${message}`
  }
}
