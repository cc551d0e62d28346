import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { asyncScheduler } from 'rxjs'
import type { Broker } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { createMetrics } from '../monitor/metrics.ts'
import type { RunningPipeline } from '../topology/running.ts'
import { json, text, type Answer, type Route } from './answer.ts'
import { isForUs } from './host.ts'
import { assetFolder, assetRoutes, page, wantsHtml } from './page.ts'
import { plotRoutes, readablePlots, type PlannedPlot } from './plots/routes.ts'
import { answerTables, isTables } from './tables.ts'

export interface ServerParts {
  /** 0 for any that is free. */
  readonly port: number
  /** The address to listen on; only this machine when absent. */
  readonly host?: string
  /** Everything that runs, monitors included. */
  readonly pipelines: readonly RunningPipeline[]
  /** What the page plots; nothing when absent. */
  readonly plots?: readonly PlannedPlot[]
  readonly broker: Broker
  /** What becomes of its dead letters. */
  readonly ledger: Ledger
  readonly log: Log
}

export interface RunningServer {
  readonly url: string
  close(): Promise<void>
}

/** The server could not start; the message says why and what would help. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
}

/** Serves the page, health and metrics over HTTP. @throws ServerError when it cannot listen there */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { port, host = '127.0.0.1', log } = parts
  const routes = routesOf(parts)
  const server = createServer((request, response) => {
    const answered = isForUs(request, host) ? respond(routes, request, log) : Promise.resolve(notForUs)
    void answered.then((answer) => send(answer, request, response))
  })
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
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const notForUs = text(
  421,
  'This is for who asks for localhost or 127.0.0.1 by that name; --host names another address to listen on.\n',
)

function routesOf({ pipelines, plots = [], broker, ledger, log }: ServerParts): ReadonlyMap<string, Route> {
  const metrics = createMetrics({ pipelines, broker, ledger, scheduler: asyncScheduler })
  const shown = { pipelines, plots: readablePlots(plots, broker), ledger, log }
  return new Map<string, Route>([
    ['/', (request) => (wantsHtml(request) ? page(shown) : textPage(pipelines))],
    ['/metrics', async () => ({ status: 200, type: metrics.contentType, body: await metrics.metrics() })],
    ['/healthz', () => json(200, { status: 'up' })],
    ['/readyz', () => readiness(pipelines)],
    ['/tables', (request) => answerTables(request, pipelines, broker)],
    ...plotRoutes(shown.plots),
    ...assetRoutes(),
  ])
}

async function readiness(pipelines: readonly RunningPipeline[]): Promise<Answer> {
  const told = pipelines.map(async (pipeline) => {
    const { started, troubles } = await pipeline.status()
    const all = started ? troubles : ['not started']
    return all.map((trouble) => ({ pipeline: pipeline.name, trouble }))
  })
  const troubles = (await Promise.all(told)).flat()
  if (troubles.length === 0) return json(200, { status: 'ready' })
  return json(503, { status: 'not ready', troubles })
}

const textPage = (pipelines: readonly RunningPipeline[]): Answer => ({
  ...text(
    200,
    `Oxbow runs ${pipelines.map(({ name }) => name).join(', ') || 'nothing'}.

/          this; in a browser a page that shows what runs
/metrics   metrics for Prometheus
/healthz   200 while the process is up
/readyz    200 when all pipelines run, else 503 and what is wrong
/tables    the state of the pipelines: /tables/STORE has its entries, /tables/STORE/KEY one of them
/plots     what the page plots, as JSON
`,
  ),
  headers: { vary: 'accept' },
})

async function respond(routes: ReadonlyMap<string, Route>, request: IncomingMessage, log: Log): Promise<Answer> {
  const { method, url = '/' } = request
  const path = url.split('?', 1)[0]!
  const route = routes.get(isTables(path) ? '/tables' : path)
  if (!route) return text(404, `There is no ${path} here; there is ${named(routes)}.\n`)
  if (method !== 'GET' && method !== 'HEAD') return text(405, `${path} answers to GET and HEAD only.\n`)
  try {
    return await route(request)
  } catch (error) {
    log.warn(
      { path, error },
      `${path} could not be answered: ${error instanceof Error ? error.message : String(error)}`,
    )
    return text(500, `${path} could not be answered; the log says why.\n`)
  }
}

const named = (routes: ReadonlyMap<string, Route>): string =>
  [...routes.keys()].filter((path) => !path.startsWith(assetFolder)).join(', ')

/** A page may load what this server has, and nothing else; nobody may put it into a frame. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

function send({ status, type, body, headers }: Answer, { method }: IncomingMessage, response: ServerResponse): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...headers,
    ...(status === 405 && { allow: 'GET, HEAD' }),
  })
  response.end(method === 'HEAD' ? undefined : body)
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
