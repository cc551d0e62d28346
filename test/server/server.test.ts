import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { asyncScheduler } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { Catalog } from '../../src/component/catalog.ts'
import { defineOperator } from '../../src/component/operator.ts'
import { defineSource } from '../../src/component/source.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { startServer, type RunningServer } from '../../src/server/server.ts'
import { topic as topicSink } from '../../src/sinks/topic.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** Appends the numbers from 1 to 6 and ends, or fails every time. */
const numbers = defineSource({
  name: 'numbers',
  summary: 'Counts to six.',
  config: z.strictObject({ broken: z.boolean().default(false) }),
  faults: [],
  examples: [],
  format: () => 'json',
  open: async ({ broken }) => ({
    async poll(cursor) {
      if (broken) throw new Error('nobody counts')
      const records = [1, 2, 3, 4, 5, 6].map((value) => ({ key: null, value: Buffer.from(String(value)) }))
      return cursor === undefined ? { records, cursor: 'done', wait: 'ended' } : { records: [], wait: 'ended' }
    },
  }),
})

const judge = defineOperator({
  name: 'judge',
  summary: 'Drops the first, fails the next two.',
  config: z.strictObject({}),
  faults: [],
  examples: [],
  build: () => (record) => {
    if (record.value === 1) return drop(record, 'too "small"')
    return Number(record.value) < 4 ? fail(record, new RecordedFault('number.unlucky', 'no luck')) : emit(record)
  },
})

const catalog: Catalog = { sources: [numbers], operators: [judge], sinks: [topicSink] }

let broker: Broker
let server: RunningServer | undefined
let pipeline: Pipeline | undefined

beforeEach(async () => {
  broker = await openEmbedded({ directory: ':memory:' })
})
afterEach(async () => {
  await server?.close()
  await pipeline?.stop()
  await broker.close()
  server = pipeline = undefined
})

function counting(source = '{}'): Pipeline {
  const text = `
name: counting
sources: { one.to.six: { numbers: ${source} } }
streams: { all: { from: one.to.six, steps: [{ judge: {} }], to: { topic: out } } }
`
  const plan = resolvePlan(parseConfig(text, 'counting.yaml', catalog, {}), catalog)
  pipeline = new Pipeline({ plan, broker, scheduler: asyncScheduler, log, once: false })
  return pipeline
}

async function serve(): Promise<string> {
  server = await startServer({
    port: 0,
    pipelines: pipeline ? [pipeline] : [],
    broker,
    ledger: new Ledger(broker),
    log,
  })
  return server.url
}

describe('the metrics', () => {
  /** The value of a sample line by its name and labels. */
  async function scrape(): Promise<(line: string) => number | undefined> {
    const response = await fetch(`${await serve()}/metrics`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const values = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
    return (line) => values.get(line)
  }

  it('tell conservation, nodes, sources, commits and dead letters', async () => {
    const running = counting()
    await running.start()
    await running.quiet()
    const value = await scrape()
    const stream = 'pipeline="counting",source="one.to.six",stream="all"'
    expect(value(`oxbow_records_read_total{${stream}}`)).toBe(6)
    expect(value(`oxbow_records_emitted_total{${stream}}`)).toBe(3)
    expect(value(`oxbow_records_dropped_total{${stream}}`)).toBe(1)
    expect(value(`oxbow_records_dead_total{${stream}}`)).toBe(2)
    expect(value(`oxbow_records_in_flight{${stream}}`)).toBe(0)
    expect(value('oxbow_node_received_total{pipeline="counting",node="all.judge"}')).toBe(6)
    expect(value('oxbow_node_emitted_total{pipeline="counting",node="all.to.topic"}')).toBe(3)
    expect(value('oxbow_node_dropped_total{pipeline="counting",node="all.judge",reason="too \\"small\\""}')).toBe(1)
    expect(value('oxbow_node_dead_total{pipeline="counting",node="all.judge",code="number.unlucky"}')).toBe(2)
    expect(value('oxbow_source_appended_total{pipeline="counting",source="one.to.six"}')).toBe(6)
    expect(value('oxbow_source_lag_records{pipeline="counting",source="one.to.six"}')).toBe(0)
    expect(value('oxbow_commits_total{pipeline="counting"}')).toBeGreaterThan(0)
    const place = 'pipeline="counting",topic="one.to.six",partition="0",thread="0"'
    expect(value(`oxbow_partition_position_offset{${place}}`)).toBe(6)
    expect(value(`oxbow_partition_high_watermark_offset{${place}}`)).toBe(6)
    expect(value(`oxbow_partition_lag_records{${place}}`)).toBe(0)
    expect(value(`oxbow_partition_assigned{${place},member=""}`)).toBe(1)
    expect(value('oxbow_thread_tasks{pipeline="counting",thread="0"}')).toBe(1)
    expect(value('oxbow_dead_letters_open{pipeline="counting",topic="dlq.one.to.six"}')).toBe(2)
    expect(
      value('oxbow_dead_letters_oldest_age_seconds{pipeline="counting",topic="dlq.one.to.six"}'),
    ).toBeGreaterThanOrEqual(0)
    expect(value('oxbow_pipeline_up{pipeline="counting"}')).toBe(1)
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(0)
  })

  it('do not add up from scrape to scrape', async () => {
    const running = counting()
    await running.start()
    await running.quiet()
    const url = await serve()
    const read = async () => /^oxbow_records_read_total\{.*$/m.exec(await (await fetch(`${url}/metrics`)).text())![0]
    expect(await read()).toBe(await read())
  })

  it('show what the pipeline has not read', async () => {
    counting()
    const records = [1, 2, 3].map((value) => {
      return { topic: 'one.to.six', key: null, value: Buffer.from(String(value)), headers: [], timestamp: 0 }
    })
    await broker.ensureTopics([{ name: 'one.to.six' }])
    const unit = { task: '0_0', offsets: [], state: [], counts: [] }
    await broker.commit({ ...unit, group: 'producer', outputs: records })
    await broker.commit({
      ...unit,
      group: 'counting',
      outputs: [],
      offsets: [{ topic: 'one.to.six', partition: 0, offset: 1n }],
    })
    const value = await scrape()
    expect(value('oxbow_source_lag_records{pipeline="counting",source="one.to.six"}')).toBe(2)
    expect(value('oxbow_pipeline_up{pipeline="counting"}')).toBe(0)
  })

  it('count polls that failed', async () => {
    const running = counting('{ broken: true }')
    await running.start()
    await running.quiet()
    const value = await scrape()
    expect(value('oxbow_source_failed_polls_total{pipeline="counting",source="one.to.six"}')).toBe(1)
    expect(value('oxbow_pipeline_up{pipeline="counting"}')).toBe(0)
  })
})

describe('health', () => {
  it('is up while the process is, ready when the pipelines run', async () => {
    const running = counting()
    const url = await serve()
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    const early = await fetch(`${url}/readyz`)
    expect(early.status).toBe(503)
    expect(await early.json()).toEqual({
      status: 'not ready',
      troubles: [{ pipeline: 'counting', trouble: 'not started' }],
    })

    await running.start()
    await running.quiet()
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(200)
    expect(await ready.json()).toEqual({ status: 'ready' })
  })

  it('says what is wrong', async () => {
    const running = counting('{ broken: true }')
    await running.start()
    await running.quiet()
    const response = await fetch(`${await serve()}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({
      status: 'not ready',
      troubles: [{ pipeline: 'counting', trouble: 'source one.to.six: nobody counts' }],
    })
  })
})

describe('the server', () => {
  it('says what there is', async () => {
    counting()
    const response = await fetch(await serve())
    const body = await response.text()
    expect(response.status).toBe(200)
    for (const word of ['counting', '/metrics', '/healthz', '/readyz']) expect(body).toContain(word)
  })

  it('answers an unknown path with 404', async () => {
    const response = await fetch(`${await serve()}/nothing?x=1`)
    expect(response.status).toBe(404)
    expect(await response.text()).toBe('There is no /nothing here.\n')
  })

  it('answers other methods with 405', async () => {
    const response = await fetch(`${await serve()}/metrics`, { method: 'POST' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
    expect(await response.text()).toContain('GET')
  })

  it('answers HEAD without a body', async () => {
    const response = await fetch(`${await serve()}/healthz`, { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String('{"status":"up"}\n'.length))
    expect(await response.text()).toBe('')
  })

  it('answers a route that fails with 500, and logs it', async () => {
    const warnings: string[] = []
    counting()
    const broken = { ...broker, topics: () => Promise.reject(new Error('the disk is gone')) }
    server = await startServer({
      port: 0,
      pipelines: [pipeline!],
      broker: broken,
      ledger: new Ledger(broken),
      log: { ...log, warn: (_, message) => void warnings.push(message) },
    })
    expect((await fetch(`${server.url}/metrics`)).status).toBe(500)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect(warnings).toEqual(['/metrics could not be answered: the disk is gone'])
  })

  it('rejects when its port is in use, and says what would help', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    await expect(startServer({ port, pipelines: [], broker, ledger: new Ledger(broker), log })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use. Name another with --port, or serve no HTTP with --no-http.`,
    )
    await new Promise((resolve) => other.close(resolve))
  })

  it('closes although a client keeps its connection', async () => {
    const url = await serve()
    await (await fetch(`${url}/healthz`)).text()
    await server!.close()
    server = undefined
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  })
})
