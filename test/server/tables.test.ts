import { asyncScheduler } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Broker, MemberInfo } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { catalog } from '../../src/catalog.ts'
import { startServer, type RunningServer } from '../../src/server/server.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import type { RunningPipeline } from '../../src/topology/running.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const config = `
name: clicks
sources: { visits: { topic: { format: json } } }
streams: { counted: { from: visits, steps: [{ dedupe: { by: record.page } }], to: { topic: out } } }
`
const pages = Array.from({ length: 25 }, (_, page) => `page-${String(page).padStart(2, '0')}`)

describe('the state of a running pipeline over HTTP', () => {
  let broker: Broker
  let pipeline: Pipeline
  let server: RunningServer
  let members: readonly MemberInfo[] = []
  beforeEach(async () => {
    broker = await openEmbedded({ directory: ':memory:' })
    await broker.ensureTopics([{ name: 'visits', partitions: 2 }])
    const plan = resolvePlan(parseConfig(config, 'clicks.yaml', catalog, {}), catalog)
    pipeline = new Pipeline({ plan, broker, scheduler: asyncScheduler, log, once: false })
    await pipeline.start()
    const outputs = pages.map((page, at) => ({
      topic: 'visits',
      partition: at % 2,
      key: null,
      value: Buffer.from(JSON.stringify({ page })),
      headers: [],
      timestamp: 0,
    }))
    await broker.commit({ group: 'w', task: '', outputs, offsets: [], state: [], counts: [] })
    await pipeline.quiet()
    const running: RunningPipeline = Object.create(pipeline, {
      stores: { value: (query: never) => pipeline.stores(query) },
      plan: { value: plan },
      name: { value: plan.name },
      status: {
        value: async () => {
          const status = await pipeline.status()
          return {
            ...status,
            shares: status.shares.map((share) => ({ ...share, member: { id: 'me', generation: 1 } })),
          }
        },
      },
    }) as RunningPipeline
    const asked = { ...broker, members: async () => members }
    server = await startServer({ port: 0, pipelines: [running], broker: asked, ledger: new Ledger(broker), log })
  })
  afterEach(async () => {
    await server.close()
    await pipeline.stop()
    await broker.close()
    members = []
  })
  const get = async (path: string) => {
    const response = await fetch(`${server.url}${path}`)
    return { status: response.status, body: (await response.json()) as never }
  }
  const store = 'counted.dedupe'

  it('lists the stores, those of Oxbow’s own when it is asked to', async () => {
    const { status, body } = await get('/tables')
    expect(status).toBe(200)
    expect(body).toMatchObject([
      { pipeline: 'clicks', store, partition: 0, entries: 26 },
      { pipeline: 'clicks', store, partition: 1, entries: 24 },
    ])
    expect((await get('/tables?internal=true')).status).toBe(200)
  })

  it('gives entries page by page, each once', async () => {
    const found: string[] = []
    let path: string | undefined = `/tables/${store}?limit=7`
    while (path !== undefined) {
      const { body }: { body: { entries: { key: string }[]; next: { partition: number; after: string } | null } } =
        await get(path)
      expect(body.entries.length).toBeLessThanOrEqual(7)
      found.push(...body.entries.map(({ key }) => key))
      path =
        body.next === null
          ? undefined
          : `/tables/${store}?limit=7&partition=${body.next.partition}&after=${encodeURIComponent(body.next.after)}`
    }
    expect(found).toHaveLength(50)
    expect(new Set(found).size).toBe(50)
    const { body } = await get(`/tables/${store}?partition=1`)
    expect((body as { entries: unknown[] }).entries).toHaveLength(24)
  })

  it('gives one entry by its key', async () => {
    const key = ((await get(`/tables/${store}?limit=1`)).body as { entries: { key: string }[] }).entries[0]!.key
    const { status, body } = await get(`/tables/${store}/${encodeURIComponent(key)}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ pipeline: 'clicks', store, partition: 0, key })
  })

  it('says who has the other partitions of a key that is not here', async () => {
    expect(await get(`/tables/${store}/none`)).toMatchObject({ status: 404, body: { partitions: [0, 1] } })
    members = [
      { id: 'me', clientId: 'oxbow-1', host: 'a', standbys: [], partitions: [] },
      { id: 'you', clientId: 'oxbow-2', host: 'b', standbys: [], partitions: [{ topic: 'visits', partition: 2 }] },
    ]
    const { status, body } = await get(`/tables/${store}/none`)
    expect(status).toBe(421)
    expect(body).toMatchObject({ elsewhere: [{ member: 'you', clientId: 'oxbow-2', host: 'b', partitions: [2] }] })
  })

  it.each([
    ['/tables/none', 404, 'There is no store none; operators and tables are counted.dedupe'],
    [`/tables/${store}?limit=0`, 400, '"limit" is to be a whole number from 1 to 1000'],
    [`/tables/${store}?limit=x`, 400, '"limit" is to be'],
    [`/tables/${store}?after=a`, 400, '"after" needs "partition"'],
    [`/tables/${store}?pipeline=other`, 404, 'There is no pipeline other here, only clicks'],
    ['/tables/a/b/c', 404, 'a / in a name is %2F'],
    ['/tables/%FF', 400, 'no text with %-escapes'],
  ])('refuses %s with %d', async (path, status, message) => {
    const answer = await get(path)
    expect(answer.status).toBe(status)
    expect((answer.body as { error: string }).error).toContain(message)
  })
})
