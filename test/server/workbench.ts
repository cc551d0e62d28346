import { setTimeout as sleep } from 'node:timers/promises'
import { asyncScheduler } from 'rxjs'
import { onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { catalog } from '../../src/catalog.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { planMonitor } from '../../src/monitor/plan.ts'
import type { Header } from '../../src/record/record.ts'
import { Users } from '../../src/server/security/users.ts'
import { startServer } from '../../src/server/server.ts'
import { ObservedPipeline } from '../../src/topology/observed.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'

/** Orders whose price must be above 0: the field is called `price` in `strict`, and may be `cost` in `mended`. */
export const strict = `
name: shop
sources: { orders: { topic: {} } }
deadLetters: { redact: [card] }
streams: { priced: { from: orders, steps: [{ filter: record.price > 0 }], to: { topic: priced } } }
`
export const mended = strict.replace('record.price > 0', 'has(record.price) || record.cost > 0')

export const tokens = {
  vera: 'view-0123456789abcdef',
  oskar: 'operate-0123456789abcdef',
  edda: 'edit-0123456789abcdef',
}
export type Name = keyof typeof tokens

const roles = { vera: 'view', oskar: 'operate', edda: 'edit' } as const

export interface Order {
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | object | null
  readonly headers?: readonly Header[]
}

export interface BenchOptions {
  readonly orders?: readonly Order[]
  readonly config?: string
  /** Whether tokens are wanted. */
  readonly tokens?: true
}

/** A pipeline that ran over some orders, and its workbench: all of it ends with the test. */
export async function bench({ orders = [], config = strict, tokens: withTokens }: BenchOptions = {}) {
  const broker = await openEmbedded({ directory: ':memory:' })
  const lines: { readonly level: string; readonly message: string }[] = []
  const told = (level: string) => (_: object, message: string) => void lines.push({ level, message })
  const log = { debug: told('debug'), info: told('info'), warn: told('warn'), error: told('error') }
  const ledger = new Ledger(broker)
  await broker.ensureTopics([{ name: 'orders', partitions: 1 }])
  await broker.commit({
    group: 'producer',
    task: '',
    offsets: [],
    state: [],
    counts: [],
    outputs: orders.map(recordOf),
  })

  let pipeline: Pipeline | undefined
  const run = async (text: string) => {
    await pipeline?.stop()
    const plan = resolvePlan(parseConfig(text, 'shop.yaml', catalog, {}), catalog)
    pipeline = new Pipeline({ plan, broker, scheduler: asyncScheduler, log, once: false })
    await pipeline.start()
    await pipeline.quiet()
    return pipeline
  }
  const users = withTokens
    ? new Users(
        Object.entries(tokens)
          .map(([name, token]) => `${name} ${roles[name as Name]} ${token}`)
          .join('\n'),
      )
    : undefined
  const watch = () => {
    const file = parseConfig(config, 'shop.yaml', catalog, {})
    const plan = planMonitor({ file, plan: pipeline!.plan, broker, ledger, catalog })
    return plan ? [new Pipeline({ plan, broker, scheduler: asyncScheduler, log, once: false })] : []
  }
  const serve = async () =>
    startServer({ port: 0, pipelines: [pipeline!, ...monitors], broker, ledger, log, ...(users && { users }) })
  /** Serves a config without running it, as `oxbow ui` does. */
  const observe = async (text: string) => {
    const plan = resolvePlan(parseConfig(text, 'shop.yaml', catalog, {}), catalog)
    const pipelines = [new ObservedPipeline(plan, broker)]
    const beside = await startServer({ port: 0, pipelines, broker, ledger, log, ...(users && { users }) })
    let closed: Promise<void> | undefined
    const close = () => (closed ??= beside.close())
    onTestFinished(close)
    return { url: beside.url, close }
  }
  await run(config)
  const monitors = watch()
  for (const monitor of monitors) await monitor.start()
  const server = await serve()
  onTestFinished(async () => {
    await server.close()
    for (const running of [pipeline!, ...monitors]) await running.stop()
    await ledger.close()
    await broker.close()
  })
  return { url: server.url, broker, ledger, lines, run, serve, observe, users, quiet: () => pipeline!.quiet() }
}

const recordOf = ({ key = null, value, headers = [] }: Order) => ({
  topic: 'orders',
  key: typeof key === 'string' ? Buffer.from(key) : key,
  value: bytesOf(value),
  headers,
  timestamp: Date.parse('2026-01-08T12:00:00Z'),
})

function bytesOf(value: Order['value']): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

/** One request to the API, by whom if that matters. */
export async function ask(url: string, path: string, options: { body?: unknown; as?: Name; headers?: object } = {}) {
  const { body, as, headers } = options
  const response = await fetch(`${url}${path}`, {
    redirect: 'manual',
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(as && { authorization: `Bearer ${tokens[as]}` }),
      ...headers,
    },
  })
  const text = await response.text()
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    headers: response.headers,
    body: jsonOf(text),
    text,
  }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- Answers are looked into field by field.
function jsonOf(text: string): any {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const asBrowser = { accept: 'text/html' }

/** A page as a browser gets it. */
export async function pageAt(url: string, path: string, headers: { [name: string]: string } = {}) {
  const response = await fetch(`${url}${path}`, { headers: { ...asBrowser, ...headers }, redirect: 'manual' })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

/** Sends the form of a page that goes to a path, with some fields filled in. */
export async function submit(url: string, page: string, action: string, fields: { [name: string]: string }) {
  const form = page
    .split('<form')
    .find(
      (each) =>
        each.includes(`action="${action}"`) && Object.keys(fields).every((name) => each.includes(`name="${name}"`)),
    )
  const hidden = [...(form ?? '').matchAll(/<input\s+type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"/g)].map(
    ([, name, value]): [string, string] => [name!, value!],
  )
  const body = new URLSearchParams([...hidden, ...Object.entries(fields)])
  const response = await fetch(`${url}${action}`, { method: 'POST', body, headers: asBrowser, redirect: 'manual' })
  return { status: response.status, to: response.headers.get('location') ?? '', body: await response.text() }
}

/** Looks until something is so. */
export async function until<T>(look: () => Promise<T>, isSo: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look()
    if (isSo(found)) return found
    await sleep(20)
  }
}

/** Where each topic ends: what does not change while nothing is written. */
export async function endsOf(broker: Broker) {
  const topics = await broker.topics()
  return new Map(topics.map(({ name, partitions }) => [name, partitions.map(({ end }) => end)]))
}
