import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Broker, MemberInfo } from '../../src/broker/broker.ts'
import { catalog } from '../../src/catalog.ts'
import { startServer } from '../../src/server/server.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import type { RunningPipeline } from '../../src/topology/running.ts'
import type { StoreAnswer, StoreQuery } from '../../src/topology/stores.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const store = 'counted.dedupe'
const config = `
name: clicks
sources: { visits: { topic: { format: json } } }
streams: { counted: { from: visits, steps: [{ dedupe: { by: record.page } }], to: { topic: out } } }
`
const plan = resolvePlan(parseConfig(config, 'clicks.yaml', catalog, {}), catalog)

/** A process that has some partitions, with a key each: `k3` in partition 3. */
class Process {
  readonly partitions: readonly number[]
  url = ''
  asked = 0
  members: () => readonly MemberInfo[] = () => []

  constructor(...partitions: readonly number[]) {
    this.partitions = partitions
  }

  get member(): MemberInfo {
    return memberOf(new URL(this.url).host, ...this.partitions)
  }

  async start(): Promise<void> {
    const pipeline = { name: 'clicks', plan, stores: async (query: StoreQuery) => this.#answer(query) }
    const broker = { members: async () => this.members() } as unknown as Broker
    const server = await startServer({
      port: 0,
      pipelines: [pipeline as unknown as RunningPipeline],
      broker,
      ledger: new Ledger(broker),
      log,
    })
    this.url = server.url
    onTestFinished(() => server.close())
  }

  #answer(query: StoreQuery): StoreAnswer {
    this.asked++
    const { partitions } = this
    const stores = partitions.map((partition) => ({ store, partition, entries: 1, bytes: 2 }))
    const shared = { store: 'shared', partition: 0, entries: 1, bytes: 2, global: true as const }
    if (!('store' in query)) return { partitions, stores: [...stores, shared], entries: [] }
    const all = partitions.map((partition) => ({ store, partition, key: `k${partition}`, value: partition }))
    const entries = all
      .filter(({ key }) => query.key === undefined || key === query.key)
      .filter(({ partition }) => query.partition === undefined || partition === query.partition)
    return { partitions, stores: [], entries }
  }

  async get(path: string) {
    const response = await fetch(`${this.url}${path}`)
    return { status: response.status, body: (await response.json()) as never, headers: response.headers }
  }
}

const memberOf = (address: string | undefined, ...partitions: readonly number[]): MemberInfo => ({
  id: `m${partitions.join('-')}`,
  clientId: 'oxbow',
  host: '10.0.0.1',
  standbys: [],
  partitions: partitions.map((partition) => ({ topic: 'visits', partition })),
  ...(address !== undefined && { address }),
})

/** Processes that know of each other. */
async function group(...processes: readonly Process[]): Promise<readonly Process[]> {
  for (const each of processes) {
    await each.start()
    each.members = () => processes.map(({ member }) => member)
  }
  return processes
}

/** A process with partition 0, and another member with partition 1 that answers as it is told. */
async function beside(listener: RequestListener): Promise<Process> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const process = new Process(0)
  await process.start()
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  process.members = () => [process.member, memberOf(address, 1)]
  return process
}

describe('state that another member has', () => {
  it('is asked for there, whichever member gets the request', async () => {
    const processes = await group(new Process(0, 3), new Process(1), new Process(2))
    for (const each of processes) {
      for (const partition of [0, 1, 2, 3]) {
        const { status, body } = await each.get(`/tables/${store}/k${partition}`)
        expect({ status, body }).toEqual({
          status: 200,
          body: { pipeline: 'clicks', store, partition, key: `k${partition}`, value: partition },
        })
      }
    }
  })

  it('is not there, when nobody has it: each is asked once, and asks nobody in turn', async () => {
    const [first, ...others] = await group(new Process(0), new Process(1), new Process(2))
    const { status, body } = await first!.get(`/tables/${store}/none`)
    expect({ status, body }).toMatchObject({ status: 404, body: { partitions: [0, 1, 2] } })
    expect(others.map(({ asked }) => asked)).toEqual([1, 1])
    expect(first!.asked).toBe(1)
  })

  it('is listed with the own, of all members; what all have is listed once', async () => {
    const [first] = await group(new Process(1), new Process(0, 2))
    const { status, body } = await first!.get('/tables')
    expect(status).toBe(200)
    const parts = body as { store: string; partition: number }[]
    expect(parts.filter((part) => part.store === store).map(({ partition }) => partition)).toEqual([0, 1, 2])
    expect(parts.filter((part) => part.store === 'shared')).toHaveLength(1)
  })

  it('is paged where its partition is', async () => {
    const [first, second] = await group(new Process(0), new Process(1))
    const { body } = await first!.get(`/tables/${store}?partition=1`)
    expect(body).toMatchObject({ partitions: [1], entries: [{ partition: 1, key: 'k1' }] })
    expect(second!.asked).toBe(1)
    expect((await first!.get(`/tables/${store}`)).body).toMatchObject({ partitions: [0], entries: [{ key: 'k0' }] })
  })

  it('cannot be told during a rebalance, nor while who has it now has not taken it up', async () => {
    const [first, second] = await group(new Process(0), new Process())
    first!.members = () => [memberOf('127.0.0.1:1'), memberOf('127.0.0.1:2')]
    for (const path of [`/tables/${store}/k1`, '/tables']) {
      const { status, headers } = await first!.get(path)
      expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    }
    first!.members = () => [first!.member, memberOf(new URL(second!.url).host, 1)]
    const { status, body } = await first!.get(`/tables/${store}/k1`)
    expect({ status, body }).toMatchObject({
      status: 503,
      body: { error: expect.stringContaining('ask again in a moment') },
    })
    expect((await first!.get(`/tables/${store}/k0`)).status).toBe(200)
  })

  it('is said to be elsewhere where that member says no address', async () => {
    const [first] = await group(new Process(0))
    first!.members = () => [first!.member, memberOf(undefined, 1)]
    const { status, body } = await first!.get(`/tables/${store}/k1`)
    expect({ status, body }).toMatchObject({ status: 421, body: { elsewhere: [{ member: 'm1', partitions: [1] }] } })
    expect((await first!.get('/tables')).status).toBe(200)
  })

  it.each<[string, string, RequestListener]>([
    ['breaks off', 'ECONNRESET', (request) => request.socket.destroy()],
    ['is none of a member', 'no JSON', (_, response) => response.end('<html>')],
    [
      'leads elsewhere, which is not followed',
      'it answered 302',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('{}'),
    ],
    [
      'is a refusal',
      'it answered 404: no such pipeline',
      (_, response) => response.writeHead(404).end('{"error":"no such pipeline"}'),
    ],
  ])('is a bad gateway where the answer %s', async (_, reason, listener) => {
    const process = await beside(listener)
    for (const path of [`/tables/${store}/k1`, '/tables', `/tables/${store}?partition=1`]) {
      const { status, body } = await process.get(path)
      expect({ status, body }).toMatchObject({
        status: 502,
        body: { failed: [{ member: 'm1', error: expect.stringContaining(reason) }] },
      })
    }
  })

  it('is a gateway timeout where no answer comes', async () => {
    const process = await beside(() => {})
    const { status, body } = await process.get(`/tables/${store}/k1`)
    expect({ status, body }).toMatchObject({ status: 504, body: { failed: [{ error: /did not answer/ }] } })
  })

  it('is asked for with nothing of the request but what it is about', async () => {
    const seen: { url: string | undefined; headers: object }[] = []
    const process = await beside(({ url, headers }, response) => {
      seen.push({ url, headers })
      response.end('{"value":1}')
    })
    await fetch(`${process.url}/tables/${store}/a%2F..%2Fk?token=secret&pipeline=clicks`, {
      headers: { authorization: 'Bearer x', cookie: 'a=b' },
    })
    expect(seen).toEqual([
      {
        url: `/tables/${store}/a%2F..%2Fk?pipeline=clicks&limit=1`,
        headers: { 'oxbow-hop': '1', host: expect.any(String), connection: 'close' },
      },
    ])
  })
})
