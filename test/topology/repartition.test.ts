import { describe, expect, it } from 'vitest'
import { keyBy } from '../../src/operators/keyBy.ts'
import { map } from '../../src/operators/map.ts'
import { split } from '../../src/operators/split.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import {
  append,
  catalogWith,
  letterHeaders,
  operator,
  output,
  recordsOf,
  startPipeline,
  valuesOf,
} from '../support/pipeline.ts'

/** What failed once, in whichever task. */
const failed = new Set<string>()

/** Counts the records of each key; one that says so fails, each time or the first time. */
const count = operator(
  'count',
  (_, { state }) => {
    return (record) => {
      const { dies, busy } = record.value as { dies?: true; busy?: true }
      if (dies) return fail(record, new RecordedFault('count.refused', 'It cannot be counted.'))
      if (busy && !failed.has(record.key!.toString())) {
        failed.add(record.key!.toString())
        return fail(record, new RecordedFault('count.busy', 'It is busy.', 'retry'))
      }
      const key = record.key!.toString()
      const seen = ((state.get(key) as number | undefined) ?? 0) + 1
      state.set(key, seen)
      return emit(record, withValue(record, { key, seen }))
    }
  },
  { keyed: true },
)
const catalog = catalogWith({ operators: [keyBy, map, split, count] })

const config = (steps = 'keyBy: record.product', sources = 'in: { topic: {}, partitions: 4 }', from = 'in') => `
name: p
sources: { ${sources} }
deadLetters: { retry: { attempts: 1, backoff: [20ms] } }
streams:
  counts:
    from: ${from}
    steps: [{ ${steps} }, { count: {} }]
    to: { topic: { name: out } }
`
const products = ['oar', 'net', 'hook', 'oar', 'oar', 'net']
const orders = products.map((product, n) => output('in', { product, n }, { partition: n % 4 }))

describe('keyBy', () => {
  it('brings the records of a key together in one task, whatever partitions they come from', async () => {
    const { pipeline, broker } = await startPipeline(config(), catalog)
    await append(broker, orders)
    await pipeline.quiet({ settled: true })
    const seen = (await valuesOf(broker, 'out')) as { key: string; seen: number }[]
    const most = Object.fromEntries(seen.map(({ key, seen }) => [key, seen]))
    expect(most).toEqual({ oar: 3, net: 2, hook: 1 })
    expect(seen).toHaveLength(6)
    expect(await pipeline.conservation()).toEqual([
      { source: 'in', stream: 'counts', read: 6, emitted: 6, dropped: 0, dead: 0, inFlight: 0 },
      { source: 'p-counts-repartition', stream: 'counts', read: 6, emitted: 6, dropped: 0, dead: 0, inFlight: 0 },
    ])
  })

  it('keeps the source record, byte for byte, for what dies beyond it', async () => {
    const { pipeline, broker } = await startPipeline(
      config('map: { product: record.product, dies: true }}, { keyBy: record.product'),
      catalog,
    )
    const value = Buffer.from('{ "product":"oar" ,  "price": 1.50 }')
    const headers = [
      ['trace', Buffer.from('a')],
      ['trace', null],
    ] as const
    await append(broker, [output('in', value, { partition: 2, key: Buffer.from('k'), headers, timestamp: 77 })])
    await pipeline.quiet({ settled: true })
    const [letter] = await recordsOf(broker, 'dlq.in')
    expect(letter).toMatchObject({ key: Buffer.from('k'), value })
    expect(letter!.headers.slice(0, 2)).toEqual(headers)
    expect(letterHeaders(letter!.headers)).toMatchObject({
      source: 'in',
      operator: 'counts.count',
      'origin.topic': 'in',
      'origin.partition': '2',
      'origin.offset': '0',
      'origin.timestamp': '1970-01-01T00:00:00.077Z',
      input: '{"product":"oar","dies":true}',
    })
    expect(await pipeline.conservation()).toMatchObject([{ emitted: 1 }, { read: 1, dead: 1 }])
  })

  it('leaves a value that no step changed as it was written', async () => {
    const { pipeline, broker, plan } = await startPipeline(config(), catalog)
    await append(broker, [output('in', Buffer.from('{"product":"oar", "price":1.50}'))])
    await pipeline.quiet({ settled: true })
    const topic = plan.topics.find(({ internal }) => internal)!
    const [info] = await broker.topics([topic.name])
    const at = info!.partitions.findIndex(({ end }) => end > 0n)
    const { records } = await broker.read({ topic: topic.name, partition: at, offset: 0n }, 10)
    expect(records.map(({ value, key }) => [String(value), String(key)])).toEqual([
      ['{"product":"oar", "price":1.50}', 'oar'],
    ])
  })

  it('retries beyond it in the state of the task, over a restart too', async () => {
    const first = await startPipeline(config(), catalog)
    await append(first.broker, [output('in', { product: 'oar', busy: true })])
    await first.pipeline.quiet()
    await first.pipeline.stop()
    const second = await startPipeline(config(), catalog, first)
    await second.pipeline.quiet({ settled: true })
    const counted = await valuesOf(first.broker, 'out')
    expect(counted).toEqual([{ key: 'oar', seen: 1 }])
    expect(await second.pipeline.conservation()).toMatchObject([{ emitted: 1 }, { read: 1, emitted: 1, inFlight: 0 }])
  })

  it('sends dead letters to the topic of the source that each record comes from', async () => {
    const sources = 'in: { topic: {} }, other: { topic: {}, deadLetters: { topic: lost } }'
    const { pipeline, broker } = await startPipeline(config('keyBy: record.product', sources, '[in, other]'), catalog)
    await append(broker, [
      output('in', { product: 'oar', dies: true }),
      output('other', { product: 'net', dies: true }),
    ])
    await pipeline.quiet({ settled: true })
    const sourceOf = async (topic: string) =>
      (await recordsOf(broker, topic)).map(({ headers }) => letterHeaders(headers).source)
    expect([await sourceOf('dlq.in'), await sourceOf('lost')]).toEqual([['in'], ['other']])
  })

  it('tells apart what one record was split into', async () => {
    const { pipeline, broker } = await startPipeline(config('split: record.items}, { keyBy: record.product'), catalog)
    await append(broker, [
      output('in', { items: [{ product: 'oar', dies: true }, { product: 'oar', dies: true }, { product: 'oar' }] }),
    ])
    await pipeline.quiet({ settled: true })
    const letters = await recordsOf(broker, 'dlq.in')
    expect(new Set(letters.map(({ headers }) => letterHeaders(headers).id)).size).toBe(2)
    expect(await valuesOf(broker, 'out')).toEqual([{ key: 'oar', seen: 1 }])
    expect(await pipeline.conservation()).toMatchObject([
      { read: 1, emitted: 1 },
      { read: 3, emitted: 1, dead: 2 },
    ])
  })

  it('deletes what is done with from the internal topic', async () => {
    const { pipeline, broker } = await startPipeline(config().replace('partitions: 4', 'partitions: 1'), catalog)
    await append(
      broker,
      Array.from({ length: 12_000 }, () => output('in', { product: 'oar' })),
    )
    await pipeline.quiet({ settled: true })
    await pipeline.stop()
    const [info] = await broker.topics(['p-counts-repartition'])
    const { start, end } = info!.partitions[0]!
    expect(end).toBe(12_000n)
    expect(start).toBeGreaterThanOrEqual(4_000n)
    expect(await valuesOf(broker, 'out')).toHaveLength(12_000)
  })

  it('dead-letters what somebody else wrote to the internal topic', async () => {
    const { pipeline, broker } = await startPipeline(config(), catalog)
    await append(broker, [
      output('p-counts-repartition', { product: 'oar' }),
      output('p-counts-repartition', 1, { headers: [['oxbow.origin', Buffer.from('{"source":"in"}')]] }),
    ])
    await pipeline.quiet({ settled: true })
    const faults = (await recordsOf(broker, 'dlq.in')).map(({ headers }) => letterHeaders(headers)['fault.code'])
    expect(faults).toEqual(['repartition.unreadable', 'repartition.unreadable'])
    expect(await pipeline.conservation()).toMatchObject([{ read: 0 }, { read: 2, dead: 2 }])
  })
})

describe('the plan of a stream with keyBy', () => {
  const planOf = (yaml: string) => resolvePlan(parseConfig(yaml, 'p.yaml', catalog, {}), catalog)

  it('has a sub-topology on either side of the internal topic', () => {
    const { subtopologies, topics } = planOf(config())
    expect(
      subtopologies.map(({ sources, streams }) => [
        sources.map(({ name }) => name),
        streams.map(({ steps }) => steps.map(({ id }) => id)),
      ]),
    ).toEqual([
      [['in'], [['counts.keyBy']]],
      [['p-counts-repartition'], [['counts.count']]],
    ])
    expect(topics.find(({ internal }) => internal)).toMatchObject({
      name: 'p-counts-repartition',
      partitionsOf: ['in'],
      retention: Infinity,
    })
  })

  it('has no internal topic where nothing after it works by key', () => {
    const { subtopologies, topics } = planOf(config().replace(', { count: {} }', ''))
    expect(subtopologies).toHaveLength(1)
    expect(topics.filter(({ internal }) => internal)).toEqual([])
  })

  it('has one for each of several keys, and for streams that read this one', () => {
    const yaml = `${config('keyBy: record.a}, { count: {} }, { keyBy: { by: record.key, partitions: 7 }')}
  later: { from: plain, steps: [{ count: {} }], to: { topic: { name: later } } }
  plain: { from: in, steps: [{ keyBy: record.b }] }
`
    const { topics } = planOf(yaml)
    expect(topics.filter(({ internal }) => internal).map(({ name, partitions }) => [name, partitions])).toEqual([
      ['p-counts-repartition', undefined],
      ['p-counts-2-repartition', 7],
      ['p-plain-repartition', undefined],
    ])
  })
})
