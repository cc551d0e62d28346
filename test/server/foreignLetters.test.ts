import { asyncScheduler } from 'rxjs'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { catalog } from '../../src/catalog.ts'
import { deadLetter } from '../../src/deadletter/letter.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import type { Header } from '../../src/record/record.ts'
import { startServer } from '../../src/server/server.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { append, output, valuesOf } from '../support/pipeline.ts'
import { entriesOf } from '../support/redrive.ts'
import { ask, pageAt, submit, until } from './workbench.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const configs = ['shop', 'stock'].map(
  (name) => `
name: ${name}
sources: { orders: { topic: {} } }
deadLetters: { topic: dlq.${name} }
streams: { all: { from: orders, to: { topic: ${name}.out } } }`,
)
const facts: Header[] = [
  ['__connect.errors.topic', Buffer.from('orders')],
  ['__connect.errors.partition', Buffer.from('0')],
  ['__connect.errors.offset', Buffer.from('17')],
  ['__connect.errors.connector.name', Buffer.from('orders-sink')],
]

/** A letter that a pipeline wrote which is not known here, or not by that name. */
function letterOf(pipeline: string) {
  const origin = { source: 'orders', topic: 'orders', partition: 0, offset: 0n, timestamp: 5 }
  const failure = {
    ...{ raw: { key: null, value: Buffer.from('{"n":9}'), headers: [], timestamp: 5 }, attempts: 1, hops: 0 },
    ...{ input: { value: {}, index: '', origin }, operator: 'all.map', firstFailedAt: 6, failedAt: 6 },
    fault: new RecordedFault('value.bad', 'It is bad.'),
  }
  const context = { pipeline, revision: 'r', topic: 'dlq.shop', redact: redactor([], []) }
  return deadLetter(failure, { ...context, envelope: 'headers' })
}

let broker: Broker
let url: string

beforeEach(async () => {
  broker = await openEmbedded({ directory: ':memory:' })
  await append(broker, [output('orders', { n: 1 })])
  await append(broker, [output('connect.dlq', { n: 2 }, { headers: facts }), letterOf('old')])
  const plans = configs.map((text) => resolvePlan(parseConfig(text, 'pipeline.yaml', catalog, {}), catalog))
  const pipelines = plans.map((plan) => new Pipeline({ plan, broker, scheduler: asyncScheduler, log, once: false }))
  const otherLetters = async () => [{ topic: 'connect.dlq', source: 'connect.dlq' }]
  const server = await startServer({ port: 0, pipelines, broker, ledger: new Ledger(broker), log, otherLetters })
  url = server.url
  for (const pipeline of pipelines) await pipeline.start()
  onTestFinished(async () => {
    await server.close()
    for (const pipeline of pipelines) await pipeline.stop()
    await broker.close()
  })
})

const lettersOn = async (topic: string) =>
  (await ask(url, `/api/letters?topic=${topic}`)).body.letters as {
    readonly id: string
    readonly group: string
    readonly disposition: string
  }[]
const becomes = (topic: string, disposition: string) =>
  until(
    () => lettersOn(topic),
    ([letter]) => letter!.disposition === disposition,
  )

it('letters of others on a topic that no config has as a queue go to the pipeline that is chosen, by the form of their group', async () => {
  const [letter] = await lettersOn('connect.dlq')
  const path = `/groups/${letter!.group}?topic=connect.dlq`
  const page = (await pageAt(url, path)).body
  expect(page).not.toContain('before</label')
  const order = { to: 'source', rate: '', canary: '', why: 'mended', pipeline: 'stock' }
  const forecast = await submit(url, page, '/redrives', { ...order, do: 'forecast' })
  expect([forecast.status, forecast.body]).toEqual([200, expect.stringContaining('1 letter would go back.')])
  expect(forecast.body).toContain(`href="${path}"`)
  const started = await submit(url, forecast.body, '/redrives', { do: 'start' })
  expect([started.status, started.to]).toEqual([303, expect.stringMatching(/^\/redrives\/[\w-]+$/)])
  await becomes('connect.dlq', 'resolved')
  expect(await valuesOf(broker, 'stock.out')).toEqual([{ n: 1 }, { n: 2 }])
  expect(await valuesOf(broker, 'shop.out')).toEqual([{ n: 1 }])
})

it('one of them goes back by its own page, or is given up, or opened again; its group is muted', async () => {
  const [letter] = await lettersOn('connect.dlq')
  const path = `/letters/${letter!.id}`
  const page = (await pageAt(url, path)).body
  const pipeline = 'shop'
  const nobody = await submit(url, page, '/redrives', { to: 'source', why: 'x', pipeline: '', do: 'start' })
  expect([nobody.status, nobody.body]).toEqual([409, expect.stringContaining('only shop, stock')])
  const rehearsing = page.replaceAll('action="/redrives"', 'action="/rehearsals"')
  const rehearsed = await submit(url, rehearsing, '/rehearsals', { to: 'source', why: '', pipeline })
  expect(rehearsed.body).toContain('Passes')
  expect((await submit(url, page, '/discard', { why: 'x', sure: 'yes', pipeline })).to).toBe(path)
  expect(await entriesOf(broker, 'connect.dlq')).toMatchObject([{ to: 'discarded' }])
  expect((await submit(url, (await pageAt(url, path)).body, '/reopen', { why: 'x', pipeline })).to).toBe(path)
  const sent = await submit(url, page, '/redrives', { valueText: '{"n":3}', why: 'x', pipeline, do: 'start' })
  expect(sent.status).toBe(303)
  await becomes('connect.dlq', 'resolved')
  expect(await valuesOf(broker, 'shop.out')).toEqual([{ n: 1 }, { n: 3 }])

  const group = `/groups/${letter!.group}`
  const muted = await submit(url, (await pageAt(url, `${group}?topic=connect.dlq`)).body, `${group}/mute`, { why: 'x' })
  expect(muted).toMatchObject({ status: 303, to: `${group}?topic=connect.dlq` })
  expect((await ask(url, `/api${group}`)).body.state).toBe('muted')
})

it('letters of a pipeline that was renamed go to the new one, by somebody who says that it was called so', async () => {
  const [letter] = await lettersOn('dlq.shop')
  const page = (await pageAt(url, `/groups/${letter!.group}?topic=dlq.shop`)).body
  expect(page).toContain('It was called old before')
  const order = { to: 'source', rate: '', canary: '', why: 'renamed', pipeline: 'shop' }
  const unsaid = await submit(url, page, '/redrives', { ...order, do: 'forecast' })
  expect(unsaid.body).toContain('0 letters would go back.')
  expect((await submit(url, page, '/redrives', { ...order, formerly: 'old', do: 'start' })).status).toBe(303)
  await becomes('dlq.shop', 'resolved')
})
