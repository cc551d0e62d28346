import { asyncScheduler } from 'rxjs'
import { expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Header } from '../../src/record/record.ts'
import { startServer } from '../../src/server/server.ts'
import { deadLetterQueue } from '../../src/sources/deadLetterQueue.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { append, catalogWith, output } from '../support/pipeline.ts'

const catalog = catalogWith({ sources: [deadLetterQueue] })
const log = { debug() {}, info() {}, warn() {}, error() {} }

/** Serves pipelines that do not run. @returns the text of a path, which is given the body, if any */
async function served(
  broker: Broker,
  ...configs: readonly string[]
): Promise<(path: string, body?: object) => Promise<string>> {
  const plans = configs.map((text) => resolvePlan(parseConfig(text, 'pipeline.yaml', catalog, {}), catalog))
  const pipelines = plans.map((plan) => new Pipeline({ plan, broker, scheduler: asyncScheduler, log, once: false }))
  const server = await startServer({ port: 0, pipelines, broker, ledger: new Ledger(broker), log })
  onTestFinished(() => server.close())
  return async (path, body) => {
    const post = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    return (await fetch(`${server.url}${path}`, body ? post : { headers: { accept: 'text/html, */*' } })).text()
  }
}

it('queues of others are counted by the metrics, the overview and the workbench', async () => {
  const broker = await openEmbedded({ directory: ':memory:' })
  await append(broker, [
    output('others.dlq', { original_record: { id: 7 }, error: 'no price', original_topic: 'orders' }),
    output('others.dlq', { original_record: { id: 8 }, error: 'no price', original_topic: 'orders' }),
  ])
  const get = await served(
    broker,
    `
name: mend
sources: { others.dlq: { deadLetterQueue: {} } }
streams: { all: { from: others.dlq, to: { topic: out } } }`,
  )
  expect(await get('/metrics')).toMatch(/^oxbow_dead_letters_open\{pipeline="mend",topic="others.dlq"\} 2$/m)
  expect(await get('/')).toMatch(/topic=others\.dlq">others\.dlq<\/a>.*?mend.*?>2</s)
  const { topics } = JSON.parse(await get('/api/dlq')) as { readonly topics: readonly object[] }
  expect(topics).toMatchObject([
    { topic: 'dlq.others.dlq', pipeline: 'mend', open: 0 },
    { topic: 'others.dlq', source: 'others.dlq', pipeline: 'mend', open: 2 },
  ])
})

it('groups of a queue go back to the pipeline that reads it, and can be muted', async () => {
  const broker = await openEmbedded({ directory: ':memory:' })
  const facts: Header[] = [['__connect.errors.connector.name', Buffer.from('orders-sink')]]
  await append(broker, [output('others.dlq', { id: 7 }, { headers: facts })])
  const get = await served(
    broker,
    `
name: mend
sources: { others.dlq: { deadLetterQueue: {} } }
streams: { all: { from: others.dlq, to: { topic: out } } }`,
    `
name: shop
sources: { orders: { topic: {} } }
streams: { all: { from: orders, to: { topic: out } } }`,
  )
  const group = async () =>
    (JSON.parse(await get('/api/groups')) as { readonly groups: { readonly fingerprint: string }[] }).groups[0]!
  const { fingerprint } = await group()
  const order = { group: fingerprint, why: 'a test' }
  expect(JSON.parse(await get('/api/redrives/forecast', order))).toEqual({ sent: 1, refused: [] })
  await get(`/api/groups/${fingerprint}/mute`, { why: 'a test' })
  expect(await group()).toMatchObject({ state: 'muted', pipeline: 'orders-sink', open: 1 })
  expect(JSON.parse(await get('/api/discard', order))).toEqual({ discarded: 1 })
  expect(await group()).toMatchObject({ open: 0, discarded: 1 })
})

it("a queue that another pipeline here writes to is that one's", async () => {
  const get = await served(
    await openEmbedded({ directory: ':memory:' }),
    `
name: watch
sources: { dlq.orders: { deadLetterQueue: {} } }
streams: { all: { from: dlq.orders, to: { topic: seen } } }`,
    `
name: shop
sources: { orders: { topic: {} } }
streams: { all: { from: orders, to: { topic: out } } }`,
  )
  const { topics } = JSON.parse(await get('/api/dlq')) as { readonly topics: readonly object[] }
  expect(topics).toMatchObject([
    { topic: 'dlq.dlq.orders', pipeline: 'watch' },
    { topic: 'dlq.orders', source: 'orders', pipeline: 'shop' },
  ])
})
