import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { emit, type Outcome } from '../../src/record/outcome.ts'
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

const never = operator('call', () => ({ concurrency: 8, each: () => new Promise<Outcome>(() => {}) }))
const works = operator('call', () => ({ concurrency: 8, each: (record) => Promise.resolve(emit(record)) }))
const counts = operator('count', (_, { state }) => (record) => {
  const n = ((state.get('n') as number | undefined) ?? 0) + 1
  state.set('n', n)
  return emit(record, { ...record, value: n })
})

const config = (sources: readonly string[], streams: string) =>
  `name: p\nsources: { ${sources.map((name) => `${name}: { topic: {} }`).join(', ')} }\nstreams:\n${streams}`
const calls = (name: string) =>
  `  ${name}.calls: { from: ${name}, steps: [{ call: {} }], to: { topic: ${name}.out } }\n`
const counted = (name: string) => `  ${name}.n: { from: ${name}, steps: [{ count: {} }], to: { topic: ${name}.n } }\n`

async function start(yaml: string, call: typeof never, broker?: Broker) {
  const catalog = catalogWith({ operators: [call, counts] })
  return startPipeline(yaml, catalog, broker ? { broker } : { before: [output('a', 1), output('b', 2)] })
}

async function committed(broker: Broker, topics: number): Promise<void> {
  while ((await broker.committed('p')).length < topics) await setImmediate()
}

const before = config(['a', 'b'], calls('a') + calls('b') + counted('b'))

it('a source that is gone from the config leaves the state and the records of the others where they are', async () => {
  const first = await start(before, never)
  await committed(first.broker, 2)
  await first.pipeline.stop()
  await append(first.broker, [output('b', 3)])

  const second = await start(config(['b'], calls('b') + counted('b')), works, first.broker)
  await second.pipeline.quiet({ settled: true })
  expect(await valuesOf(first.broker, 'b.out')).toEqual([2, 3])
  expect(await valuesOf(first.broker, 'b.n')).toEqual([1, 2])
  expect(await second.pipeline.conservation()).toEqual([
    { source: 'b', stream: 'b.calls', read: 2, emitted: 2, dropped: 0, dead: 0, inFlight: 0 },
    { source: 'b', stream: 'b.n', read: 2, emitted: 2, dropped: 0, dead: 0, inFlight: 0 },
  ])
  expect(second.log.lines).toEqual([
    {
      level: 'warn',
      fields: { source: 'a', records: 1 },
      message: '1 under way of a, which the config no longer has: they wait for it',
    },
  ])
  await second.pipeline.stop()

  const third = await start(before, works, first.broker)
  await third.pipeline.quiet({ settled: true })
  expect(await valuesOf(first.broker, 'a.out')).toEqual([1])
  expect(third.log.lines).toEqual([])
})

it('a record whose operator is gone from one stream is dead there, and keeps its outcome in another', async () => {
  const first = await start(before, never)
  await committed(first.broker, 2)
  await first.pipeline.stop()

  const second = await start(
    config(['a', 'b'], calls('a') + '  b.calls: { from: b, to: { topic: b.out } }\n' + counted('b')),
    works,
    first.broker,
  )
  await second.pipeline.quiet({ settled: true })
  const [letter] = await recordsOf(first.broker, 'dlq.b')
  expect(letterHeaders(letter!.headers)).toMatchObject({ 'fault.code': 'operator.gone', operator: 'b.calls.call' })
  expect(await second.pipeline.conservation()).toMatchObject([
    { stream: 'a.calls', emitted: 1, inFlight: 0 },
    { stream: 'b.calls', emitted: 0, dead: 1, inFlight: 0 },
    { stream: 'b.n', emitted: 1, dead: 0, inFlight: 0 },
  ])
})
