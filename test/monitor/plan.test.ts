import { VirtualTimeScheduler } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import type { Broker, Count } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { Catalog } from '../../src/component/catalog.ts'
import { defineSink } from '../../src/component/sink.ts'
import type { AlertRecord } from '../../src/monitor/alert.ts'
import { deadLetter } from '../../src/deadletter/letter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import type { OutputRecord } from '../../src/record/record.ts'
import { entryRecord } from '../../src/deadletter/ledger/entry.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { planMonitor } from '../../src/monitor/plan.ts'
import type { Sample } from '../../src/monitor/sample.ts'
import { SinkUnavailableFault } from '../../src/record/fault.ts'
import { log } from '../../src/sinks/log.ts'
import { topic as topicSink } from '../../src/sinks/topic.ts'
import { deadLetterQueue } from '../../src/sources/deadLetterQueue.ts'
import { topic as topicSource } from '../../src/sources/topic.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { ConfigError, parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { z } from 'zod'

const start = Date.parse('2026-01-08T12:00:00Z')
const silent = { debug() {}, info() {}, warn() {}, error() {} }

const broken = defineSink({
  name: 'broken',
  summary: 'Never takes anything.',
  config: z.strictObject({}),
  faults: [SinkUnavailableFault],
  examples: [],
  open: async () => ({
    write: async (records) => records.map(() => new SinkUnavailableFault('nobody is there')),
    close: async () => {},
  }),
})
const catalog: Catalog = { sources: [deadLetterQueue, topicSource], operators: [], sinks: [topicSink, broken, log] }

const config = (alerts: string, more = '') => `
name: shop
sources:
  orders: { topic: {} }
  clicks: { topic: {} }
${more}
streams:
  all: { from: [orders, clicks], to: { topic: out } }
monitor:
  every: 1m
  alerts:
${alerts}
`

/** A monitor on virtual time over a broker in memory. */
async function monitoring(text: string) {
  const scheduler = new VirtualTimeScheduler()
  scheduler.frame = start
  const broker = await openEmbedded({ directory: ':memory:', now: () => scheduler.now() })
  brokers.push(broker)
  const file = parseConfig(text, 'shop.yaml', catalog, {})
  const plan = resolvePlan(file, catalog)
  await broker.ensureTopics(plan.topics)
  const monitor = planMonitor({ file, plan, broker, ledger: new Ledger(broker), catalog })!
  let pipeline: Pipeline | undefined
  const run = async (once: boolean) => {
    await pipeline?.stop()
    pipeline = new Pipeline({ plan: monitor, broker, scheduler, log: silent, once })
    await pipeline.start()
    await pipeline.quiet()
    return pipeline
  }
  stops.push(async () => pipeline?.stop())

  return {
    broker,
    monitor,
    restart: () => run(false),
    runOnce: () => run(true),
    /** Lets time pass, and everything happen that is due. */
    async pass(ms: number) {
      const until = scheduler.frame + ms
      for (;;) {
        await pipeline!.quiet()
        const next = scheduler.actions.filter(({ closed }) => !closed).toSorted((a, b) => dueAt(a) - dueAt(b))[0]
        if (!next || dueAt(next) > until) break
        scheduler.maxFrames = dueAt(next)
        scheduler.flush()
      }
      scheduler.frame = until
    },
    /** Dead letters, as a unit of the watched pipeline writes them. */
    async bury(topic: string, count: number, counts: readonly Count[] = []) {
      const outputs = Array.from({ length: count }, () => letterOn(topic, buried++, scheduler.now()))
      await broker.commit({ group: 'shop', task: '0_0', outputs, offsets: [], state: [], counts })
    },
    values: async <V>(topic: string): Promise<V[]> => {
      const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 1_000)
      return records.map(({ value }) => JSON.parse(value!.toString()) as V)
    },
  }
}

let buried = 0

function letterOn(topic: string, offset: number, failedAt: number): OutputRecord {
  const origin = { source: 'orders', topic: 'orders', partition: 0, offset: BigInt(offset), timestamp: 5 }
  const failure = {
    raw: { key: null, value: Buffer.from('{}'), headers: [], timestamp: 5 },
    input: { value: {}, index: '', origin },
    operator: 'all.map',
    fault: new RecordedFault('value.bad', 'It is bad.', 'deadLetter'),
    attempts: 1,
    hops: 0,
    firstFailedAt: failedAt,
    failedAt,
  }
  return deadLetter(failure, { pipeline: 'shop', revision: 'r', topic, envelope: 'headers', redact: redactor([], []) })
}

const dueAt = (action: object): number => (action as { readonly delay: number }).delay

const brokers: Broker[] = []
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
  await Promise.all(brokers.splice(0).map((broker) => broker.close()))
})

const many = '    - { name: many, when: size > 2, to: { topic: alerts } }'
const states = (alerts: readonly AlertRecord[]) =>
  alerts.map(({ alert, state, size, at }) => [alert, state, size, at.slice(11, 16)])

describe('the samples', () => {
  it('count each dead-letter topic: size, growth, rate, age', async () => {
    const { bury, restart, pass, values } = await monitoring(config(many))
    await restart()
    await bury('dlq.orders', 3)
    await pass(60_000)
    await bury('dlq.orders', 1)
    await pass(60_000)

    const samples = await values<Sample>('shop.monitor.sizes')
    expect(samples.filter(({ topic }) => topic === 'dlq.clicks').map(({ size }) => size)).toEqual([0, 0, 0])
    const orders = samples.filter(({ source }) => source === 'orders')
    expect(orders.map(({ topic, size, growth, rate, age }) => ({ topic, size, growth, rate, age }))).toEqual([
      { topic: 'dlq.orders', size: 0, growth: 0, rate: 0, age: 0 },
      { topic: 'dlq.orders', size: 3, growth: 3, rate: 3, age: 60 },
      { topic: 'dlq.orders', size: 4, growth: 1, rate: 1, age: 120 },
    ])
  })

  it('count queues of others too, and what failed again of them beside it', async () => {
    const { bury, restart, pass, values } = await monitoring(`
name: shop
sources: { others.dlq: { deadLetterQueue: {} } }
streams: { all: { from: others.dlq, to: { topic: out } } }
monitor: { every: 1m, alerts: [{ when: size > 2, to: { topic: alerts } }] }`)
    await restart()
    await bury('others.dlq', 3)
    await bury('dlq.others.dlq', 1)
    await pass(60_000)
    const samples = (await values<Sample>('shop.monitor.sizes')).slice(-2)
    expect(samples.map(({ source, topic, size, growth, age }) => ({ source, topic, size, growth, age }))).toEqual([
      { source: 'others.dlq', topic: 'dlq.others.dlq', size: 1, growth: 1, age: 60 },
      { source: 'others.dlq', topic: 'others.dlq', size: 3, growth: 3, age: 60 },
    ])
    expect(await values<AlertRecord>('alerts')).toMatchObject([{ topic: 'others.dlq', size: 3 }])
  })

  it('share: what died of what finished last, in the stream that lost most', async () => {
    const { bury, restart, pass, values } = await monitoring(config(many))
    const count = (stream: string, read: number, emitted: number, dead: number): Count => {
      return { source: 'orders', stream, read, emitted, dropped: 0, dead }
    }
    await restart()
    await bury('dlq.orders', 1, [count('all', 12, 9, 1), count('other', 10, 10, 0)])
    await pass(60_000)
    await pass(60_000)
    await bury('dlq.orders', 2, [count('all', 0, 0, 2), count('other', 2, 2, 0)])
    await pass(60_000)

    const orders = (await values<Sample>('shop.monitor.sizes')).filter(({ source }) => source === 'orders')
    expect(orders.map(({ read, dead, share }) => ({ read, dead, share }))).toEqual([
      { read: 0, dead: 0, share: 0 },
      { read: 10, dead: 1, share: 0.1 },
      { read: 10, dead: 1, share: 0.1 },
      { read: 2, dead: 2, share: 1 },
    ])
  })

  it('growth goes on over a restart', async () => {
    const { bury, restart, pass, values } = await monitoring(config(many))
    await bury('dlq.orders', 5)
    await restart()
    await bury('dlq.orders', 2)
    await pass(30_000)
    await restart()

    const orders = (await values<Sample>('shop.monitor.sizes')).filter(({ source }) => source === 'orders')
    expect(orders.map(({ growth, rate }) => ({ growth, rate }))).toEqual([
      { growth: 5, rate: 0 },
      { growth: 2, rate: 4 },
    ])
  })

  it('are one for sources that share a dead-letter topic', async () => {
    const text = config(many, 'deadLetters: { topic: failed }')
    const { bury, restart, values } = await monitoring(text)
    await bury('failed', 2)
    await restart()
    const samples = await values<Sample>('shop.monitor.sizes')
    expect(samples.map(({ source, topic, size }) => ({ source, topic, size }))).toEqual([
      { source: 'orders, clicks', topic: 'failed', size: 2 },
    ])
  })
})

describe('the monitor', () => {
  it('raises an alert once, again on growth, and resolves it', async () => {
    const { bury, restart, pass, values } = await monitoring(
      config(many, 'deadLetters: { retention: 10m }') + '    - { when: age >= 120, to: { topic: alerts } }',
    )
    await restart()
    await bury('dlq.orders', 3)
    await pass(180_000)
    await bury('dlq.orders', 3)
    await pass(3_600_000)

    expect(states(await values('alerts'))).toEqual([
      ['many', 'firing', 3, '12:01'],
      ['age >= 120', 'firing', 3, '12:02'],
      ['many', 'growing', 6, '12:04'],
      ['age >= 120', 'growing', 6, '12:04'],
      ['many', 'resolved', 0, '12:15'],
      ['age >= 120', 'resolved', 0, '12:15'],
    ])
  })

  it('keeps quiet after a restart', async () => {
    const { bury, restart, pass, values } = await monitoring(config(many))
    await bury('dlq.orders', 3)
    await restart()
    await pass(120_000)
    await restart()
    await pass(120_000)
    expect(states(await values('alerts'))).toEqual([['many', 'firing', 3, '12:00']])
  })

  it('samples once when it runs until idle', async () => {
    const { bury, runOnce, values } = await monitoring(config(many))
    await bury('dlq.orders', 3)
    const pipeline = await runOnce()
    await pipeline.quiet({ settled: true })
    expect(states(await values('alerts'))).toEqual([['many', 'firing', 3, '12:00']])
    expect(await values('shop.monitor.sizes')).toHaveLength(2)
  })

  it('puts what it cannot deliver on its own dead-letter topic, and does not count that', async () => {
    const { bury, restart, pass, values, broker } = await monitoring(
      config('    - { when: size > 2, to: [{ broken: {} }, { topic: alerts }] }'),
    )
    await restart()
    await bury('dlq.orders', 3)
    await pass(180_000)

    expect(await values('dlq.shop.monitor.sizes')).toMatchObject([{ source: 'orders', size: 3 }])
    const { records } = await broker.read({ topic: 'dlq.shop.monitor.sizes', partition: 0, offset: 0n }, 10)
    expect(records[0]!.headers.find(([name]) => name === 'dlq.fault.code')![1]!.toString()).toBe('sink.unavailable')
    const samples = await values<Sample>('shop.monitor.sizes')
    expect(new Set(samples.map(({ topic }) => topic))).toEqual(new Set(['dlq.orders', 'dlq.clicks']))
    expect(await values('alerts')).toHaveLength(1)
  })

  it('keeps its samples for an hour', async () => {
    const { monitor } = await monitoring(config(many))
    expect(monitor.topics.find(({ name }) => name === 'shop.monitor.sizes')!.retention).toBe(3_600_000)
  })
})

describe('planMonitor', () => {
  const planned = (text: string) => {
    const file = parseConfig(text, 'shop.yaml', catalog, {})
    return planMonitor({
      file,
      plan: resolvePlan(file, catalog),
      broker: {} as Broker,
      ledger: new Ledger({} as Broker),
      catalog,
    })
  }

  it('has nothing to run without alerts', () => {
    expect(planned(config('').replace('alerts:', 'alerts: []'))).toBeUndefined()
  })

  it.each(['size + 1', 'topic', 'size > topic'])('refuses the condition %s, which no sample can answer', (when) => {
    expect(() => planned(config(`    - { when: ${when}, to: { topic: alerts } }`))).toThrow(
      new RegExp(`^shop.yaml:12:15: .*${when.replace('+', '\\+')}`),
    )
  })

  it('refuses two alerts of one name', () => {
    expect(() => planned(config(`${many}\n${many}`))).toThrow(
      new ConfigError([
        {
          file: 'shop.yaml',
          line: 13,
          column: 7,
          message: 'there are two alerts called `many`; give each its own `name`',
        },
      ]),
    )
  })

  it.each(['dlq.orders', 'orders', 'shop.monitor.sizes', 'dlq.shop.monitor.sizes'])(
    'refuses an alert on %s',
    (topic) => {
      expect(() => planned(config(`    - { when: size > 1, to: { topic: ${topic} } }`))).toThrow(
        `an alert cannot be written to \`${topic}\``,
      )
    },
  )
})

describe('groups in the samples', () => {
  it('are new once, and regressed when they fail again after all was dealt with', async () => {
    const { bury, restart, pass, values, broker } = await monitoring(
      config('    - { name: news, when: newGroups > 0 || regressedGroups > 0, to: { topic: alerts } }'),
    )
    await broker.ensureTopics([{ name: 'dlq.orders-ledger' }])
    await restart()
    await bury('dlq.orders', 2)
    await pass(60_000)
    await pass(60_000)
    const ledger = new Ledger(broker)
    await ledger.follow(['dlq.orders'])
    const closed = ledger.page({}, 9).letters.map(({ id, hops, failedAt }) =>
      entryRecord('dlq.orders', {
        letter: id,
        hops,
        failedAt,
        to: 'discarded',
        by: 'ann',
        why: '',
        at: start + 150_000,
      }),
    )
    await ledger.close()
    await broker.commit({ group: 'test', task: '', outputs: closed, offsets: [], state: [], counts: [] })
    await pass(60_000)
    await bury('dlq.orders', 1)
    await pass(60_000)

    const samples = (await values<Sample>('shop.monitor.sizes')).filter(({ source }) => source === 'orders')
    expect(samples.map(({ size, newGroups, regressedGroups }) => [size, newGroups, regressedGroups])).toEqual([
      [0, 0, 0],
      [2, 1, 0],
      [2, 0, 0],
      [0, 0, 0],
      [1, 0, 1],
    ])
    expect(samples[4]!.groups).toEqual([expect.stringMatching(/^2-[0-9a-f]{16} \(value\.bad at all\.map\)$/)])
    const alerts = await values<AlertRecord>('alerts')
    expect(alerts.map(({ state }) => state)).toEqual(['firing', 'resolved', 'firing'])
    expect(alerts[2]!.message).toContain('; new or back: 2-')
  })
})
