import { asyncScheduler } from 'rxjs'
import { onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { Log } from '../../src/component/context.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Users } from '../../src/server/security/users.ts'
import { startServer } from '../../src/server/server.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { catalog } from '../../src/catalog.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** The value of a record, or its bytes, and its timestamp where that matters. */
export interface Given {
  readonly topic: string
  readonly value: unknown
  readonly timestamp?: number
}

/** A pipeline of one source, `in`, and whatever the monitor is to plot. */
export const configWith = (monitor: string, name = 'shop'): string => `
name: ${name}
sources: { in: { topic: {} } }
streams: { all: { from: in, steps: [{ filter: record.n > 0 }], to: { topic: out } } }
monitor:
${monitor.trim().replaceAll(/^/gm, '  ')}
`

export async function append(broker: Broker, given: readonly Given[]): Promise<void> {
  await broker.ensureTopics([...new Set(given.map(({ topic }) => topic))].map((name) => ({ name })))
  const outputs = given.map(({ topic, value, timestamp = 0 }) => {
    const bytes = Buffer.isBuffer(value) || value === null ? value : Buffer.from(JSON.stringify(value))
    return { topic, key: null, value: bytes, headers: [], timestamp }
  })
  await broker.commit({ group: 'producer', task: '0_0', offsets: [], state: [], counts: [], outputs })
}

export interface ServedOptions {
  readonly given?: readonly Given[]
  readonly log?: Log
  /** The address to listen on; only this machine when absent. */
  readonly host?: string
  /** Who may come in; whoever reaches it when absent. */
  readonly users?: Users
  /** What the server is to take for the broker. */
  readonly seenAs?: (broker: Broker) => Broker
}

/** A config's pipeline, started, with a server of its own: all of it ends with the test. */
export async function served(config: string, options: ServedOptions = {}) {
  const { given = [], log = silent, seenAs = (it) => it, host, users } = options
  const broker = await openEmbedded({ directory: ':memory:' })
  const file = parseConfig(config, 'shop.yaml', catalog, {})
  const plan = resolvePlan(file, catalog)
  await append(broker, given)
  const pipeline = new Pipeline({ plan, broker, scheduler: asyncScheduler, log: silent, once: false })
  await pipeline.start()
  await pipeline.quiet()
  const plots = (file.config.monitor?.plots ?? []).map((plot) => ({ pipeline: file.config.name, plot }))
  const parts = {
    port: 0,
    pipelines: [pipeline],
    plots,
    broker: seenAs(broker),
    ledger: new Ledger(seenAs(broker)),
    log,
  }
  const server = await startServer({ ...parts, ...(host !== undefined && { host }), ...(users && { users }) })
  onTestFinished(async () => {
    await server.close()
    await pipeline.stop()
    await broker.close()
  })
  return { url: server.url, broker, pipeline, server }
}

const asBrowser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

/** The page as a browser gets it, trimmed. */
export async function pageOf(url: string): Promise<string> {
  const response = await fetch(url, { headers: asBrowser })
  return trimmed(await response.text())
}

/** HTML or SVG without the white space around its tags and in them that means nothing. */
export const trimmed = (markup: string): string =>
  markup
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?(\/?>) ?/g, '$1')
    .replaceAll(' <', '<')
