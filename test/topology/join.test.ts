import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineOperator } from '../../src/component/operator.ts'
import { keyBy } from '../../src/operators/keyBy.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { absorb, emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { table } from '../../src/sinks/table.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { append, catalogWith, letterHeaders, output, recordsOf, startPipeline, valuesOf } from '../support/pipeline.ts'

const shared = { summary: 'For this test.', faults: [], examples: [] }

/** Emits each record of its stream with the last one of the other, which may fail. */
const meet = defineOperator({
  ...shared,
  name: 'meet',
  config: z.string(),
  keyed: true,
  reads: (stream) => ({ stream }),
  build: (_, { state }) => ({
    left: (record) => emit(record, withValue(record, { left: record.value, right: state.get(record.key!.toString()) })),
    right(record) {
      state.set(record.key!.toString(), record.value)
      return record.value === 'bad' ? fail(record, new RecordedFault('right.bad', 'It is bad.')) : absorb(record)
    },
  }),
})
const lookUp = defineOperator({
  ...shared,
  name: 'lookUp',
  config: z.string(),
  keyed: true,
  reads: (name) => ({ table: name }),
  build(name, context) {
    const rows = context.table(name)
    return (record) => emit(record, withValue(record, { left: record.value, row: rows.get(record.key!)?.value }))
  },
})
const catalog = catalogWith({ operators: [keyBy, meet, lookUp], sinks: [table] })
const key = Buffer.from('k')

const twoSided = `
name: p
sources: { a: { topic: {} }, b: { topic: {} } }
deadLetters: { retry: { attempts: 0 } }
streams: { met: { from: a, steps: [{ meet: b }], to: { topic: out } } }
`

describe('an operator that reads another stream', () => {
  it('is given the records of either side, each counted for its own source', async () => {
    const { pipeline, broker } = await startPipeline(twoSided, catalog)
    await append(broker, [output('b', 1, { key })])
    await pipeline.quiet()
    await append(broker, [output('a', 2, { key })])
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual([{ left: 2, right: 1 }])
    expect(await pipeline.conservation()).toMatchObject([
      { source: 'a', stream: 'met', read: 1, emitted: 1 },
      { source: 'b', stream: 'met', read: 1, emitted: 1 },
    ])
  })

  it('dead-letters what fails on the other side to the topic of its source, and takes its state back', async () => {
    const { pipeline, broker } = await startPipeline(twoSided, catalog)
    await append(broker, [output('b', 'bad', { key })])
    await pipeline.quiet()
    await append(broker, [output('a', 2, { key })])
    await pipeline.quiet()
    const [letter] = await recordsOf(broker, 'dlq.b')
    expect(letterHeaders(letter!.headers)).toMatchObject({ operator: 'met.meet.right', 'fault.code': 'right.bad' })
    expect(await valuesOf(broker, 'out')).toEqual([{ left: 2 }])
  })

  it('starts only where both sides have the same number of partitions', async () => {
    const yaml = twoSided.replace('a: { topic: {} }', 'a: { topic: {}, partitions: 3 }')
    await expect(startPipeline(yaml, catalog)).rejects.toThrow(
      'met.meet brings records together by key, and their topics differ in partitions: a has 3, b has 1.',
    )
  })

  it('is given as many partitions as the other side where its own records get new keys', async () => {
    const yaml = twoSided
      .replace('a: { topic: {} }', 'a: { topic: {}, partitions: 3 }')
      .replace('steps: [', 'steps: [{ keyBy: record.id }, ')
    const { broker, pipeline } = await startPipeline(yaml, catalog)
    expect((await broker.topics(['p-met-repartition']))[0]!.partitions).toHaveLength(1)
    await append(broker, [output('b', 1, { key })])
    await pipeline.quiet()
    await append(broker, [output('a', { id: 'k' })])
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual([{ left: { id: 'k' }, right: 1 }])
  })
})

it('records of several sources come together by key only where they have as many partitions', async () => {
  const yaml = `
name: p
sources: { a: { topic: {} }, b: { topic: {}, partitions: 3 } }
streams: { both: { from: [a, b], to: { table: both } } }
`
  await expect(startPipeline(yaml, catalog)).rejects.toThrow(
    'both.to.table brings records together by key, and their topics differ in partitions: a has 1, b has 3.',
  )
})

const withTable = `
name: p
sources: { products: { topic: {} }, orders: { topic: {} } }
deadLetters: { retry: { attempts: 0 } }
streams:
  catalog: { from: products, to: { table: catalog } }
  priced: { from: orders, steps: [{ lookUp: catalog }], to: { topic: out } }
`

describe('a table', () => {
  it('has the last record of each key, until a tombstone comes, over a restart too', async () => {
    const first = await startPipeline(withTable, catalog)
    const { broker } = first
    await append(broker, [output('products', { name: 'oar' }, { key }), output('products', { name: 'net' }, { key })])
    await first.pipeline.quiet()
    await first.pipeline.stop()
    const { pipeline } = await startPipeline(withTable, catalog, { broker })
    await append(broker, [output('orders', 1, { key })])
    await pipeline.quiet()
    await append(broker, [output('products', null, { key })])
    await pipeline.quiet()
    await append(broker, [output('orders', 2, { key })])
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual([{ left: 1, row: { name: 'net' } }, { left: 2 }])
  })

  it('refuses a record without a key as a dead letter', async () => {
    const { pipeline, broker } = await startPipeline(withTable, catalog)
    await append(broker, [output('products', { name: 'oar' })])
    await pipeline.quiet()
    const [letter] = await recordsOf(broker, 'dlq.products')
    expect(letterHeaders(letter!.headers)).toMatchObject({
      operator: 'catalog.to.table',
      'fault.code': 'record.no_key',
    })
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, dead: 1 }, { read: 0 }])
  })

  const problemsOf = (yaml: string) => () => resolvePlan(parseConfig(yaml, 'p.yaml', catalog, {}), catalog)

  it('must be kept by one stream', () => {
    expect(problemsOf(withTable.replace('lookUp: catalog', 'lookUp: catalogue'))).toThrow(
      'no stream keeps the table `catalogue` (`to: { table: catalogue }`); did you mean `catalog`?',
    )
    expect(problemsOf(withTable.replace('{ topic: out }', '{ table: catalog }'))).toThrow(
      'two streams keep the table `catalog`; give each its own, or one stream that reads both',
    )
    expect(problemsOf(twoSided.replace('meet: b', 'meet: c'))).toThrow(
      '`met` reads `c`, which is neither a source nor a stream; did you mean',
    )
  })
})
