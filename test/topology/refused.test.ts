import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { OutputsRefused, type Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { RawRecord } from '../../src/record/record.ts'
import { emit } from '../../src/record/outcome.ts'
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
import { VirtualClock } from '../../src/testing/clock.ts'

/** An embedded broker whose topics take records of so many bytes, headers included, at most. */
async function limited(limits: { [topic: string]: number }) {
  const broker = await openEmbedded({ directory: ':memory:' })
  let attempts = 0
  const commit: Broker['commit'] = async (unit) => {
    if (unit.offsets.length > 0) attempts++
    const refused = unit.outputs.flatMap((record, at) =>
      sizeOf(record) > (limits[record.topic] ?? Infinity) ? [{ at, topic: record.topic }] : [],
    )
    const reasons = new Map(refused.map(({ at, topic }) => [at, `it is too large for ${topic}`]))
    if (reasons.size > 0) throw new OutputsRefused(`${refused[0]!.topic} takes less. Make it take more.`, reasons)
    return broker.commit(unit)
  }
  return { broker: { ...broker, commit }, limits, attempts: () => attempts }
}

const sizeOf = ({ value, headers }: RawRecord): number =>
  [value, ...headers.map(([, content]) => content)].reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0)

const grows = operator('grow', () => (record) => {
  const { id, size } = record.value as { id: number; size: number }
  return emit(record, { ...record, value: { id, ballast: 'x'.repeat(size) } })
})
const counts = operator('count', (_, { state }) => (record) => {
  const n = ((state.get('n') as number | undefined) ?? 0) + 1
  state.set('n', n)
  return emit(record, { ...record, value: { ...(record.value as object), n } })
})
const catalog = catalogWith({ operators: [grows, counts] })
const config = (steps: string, to: string, deadLetters = 'retry: { attempts: 3 }') =>
  `name: p\nsources: { in: { topic: {} } }\ndeadLetters: { ${deadLetters} }\nstreams:\n  s: { from: in, steps: [${steps}], to: ${to} }\n`

const sizes = [1, 500, 2, 3, 900, 4].map((size, id) => output('in', { id, size }, { key: Buffer.from('k') }))
const idsOf = async (broker: Broker, topic: string) =>
  (await valuesOf(broker, topic)).map((value) => (value as { id: number }).id)

it('a record that its topic refuses for good is dead-lettered, and the others go on, each once', async () => {
  const { broker, attempts } = await limited({ out: 300 })
  const yaml = config('{ count: {} }, { grow: {} }', '[{ topic: out }, { topic: all }]')
  const { pipeline, log } = await startPipeline(yaml, catalog, { broker, before: sizes })
  await pipeline.quiet({ settled: true })

  expect(await idsOf(broker, 'out')).toEqual([0, 2, 3, 5])
  expect(await idsOf(broker, 'all')).toEqual([0, 1, 2, 3, 4, 5])
  const letters = await recordsOf(broker, 'dlq.in')
  expect(letters.map(({ value }) => JSON.parse(String(value)))).toEqual([
    { id: 1, size: 500 },
    { id: 4, size: 900 },
  ])
  expect(letterHeaders(letters[0]!.headers)).toMatchObject({
    operator: 's.to.topic',
    attempts: '1',
    disposition: 'deadLetter',
    'fault.code': 'sink.refused',
    'fault.message': 's.to.topic cannot write the record: it is too large for out.',
  })
  expect(await pipeline.conservation()).toEqual([
    { source: 'in', stream: 's', read: 6, emitted: 4, dropped: 0, dead: 2, inFlight: 0 },
  ])
  expect(attempts()).toBe(2)
  expect(log.lines).toEqual([
    {
      level: 'warn',
      fields: { task: '0_0', refused: 2 },
      message:
        'Task 0_0 goes back to its last commit, to dead-letter what is refused for good (2): it is too large for out',
    },
  ])
})

it('what an attempt that was refused did to the state is undone', async () => {
  const { broker } = await limited({ out: 300 })
  const { pipeline } = await startPipeline(config('{ count: {} }', '{ topic: out }'), catalog, {
    broker,
    before: [output('in', { a: 'x'.repeat(400) }), output('in', {}), output('in', {})],
  })
  await pipeline.quiet({ settled: true })
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 2 }, { n: 3 }])
})

it('a dead letter that its topic refuses is shortened in what was added to the record', async () => {
  const { broker, limits } = await limited({ out: 300 })
  const { pipeline } = await startPipeline(config('{ grow: {} }', '{ topic: out }'), catalog, { broker })
  limits['dlq.in'] = 3_000
  await append(broker, [output('in', { id: 1, size: 5_000 })])
  await pipeline.quiet({ settled: true })

  const [letter] = await recordsOf(broker, 'dlq.in')
  const headers = letterHeaders(letter!.headers)
  expect(JSON.parse(String(letter!.value))).toEqual({ id: 1, size: 5_000 })
  expect(headers).toMatchObject({ 'fault.code': 'sink.refused', 'fault.stack': '', 'origin.offset': '0' })
  expect(headers).not.toHaveProperty('input')
})

it('a dead letter that is refused even so stops the task, and goes whole as soon as there is room', async () => {
  const clock = new VirtualClock(0)
  const { broker, limits } = await limited({ out: 300, 'dlq.in': 100 })
  const yaml = config('{ grow: {} }', '{ topic: out }')
  const { pipeline, log } = await startPipeline(yaml, catalog, { broker, scheduler: clock, once: false, before: sizes })
  await pipeline.quiet()
  expect(await idsOf(broker, 'out')).toEqual([])
  expect(pipeline.troubles).toEqual(['task 0_0: dlq.in takes less. Make it take more.'])
  expect(log.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
    'Task 0_0 stopped, nothing of its unit was committed: dlq.in takes less. Make it take more.',
  ])

  limits['dlq.in'] = 10_000
  clock.step()
  while (pipeline.troubles.length > 0) await setImmediate()
  await pipeline.quiet({ settled: true })
  expect(await idsOf(broker, 'out')).toEqual([0, 2, 3, 5])
  const letters = await recordsOf(broker, 'dlq.in')
  expect(letters.map(({ headers }) => letterHeaders(headers)['fault.stack'])).not.toContain('')
  expect(letters).toHaveLength(2)
})

it('later records of the key wait behind one that was refused, where they are kept in order', async () => {
  const { broker } = await limited({ out: 300 })
  const yaml = config('{ grow: {} }', '{ topic: out }', 'order: key')
  const { pipeline } = await startPipeline(yaml, catalog, { broker, before: sizes })
  await pipeline.quiet({ settled: true })
  expect(await idsOf(broker, 'out')).toEqual([0])
  expect(pipeline.blocked).toBe(4)
})
