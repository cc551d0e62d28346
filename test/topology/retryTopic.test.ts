import { expect, it } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { Broker } from '../../src/broker/broker.ts'
import type { Catalog } from '../../src/component/catalog.ts'
import { filter } from '../../src/operators/filter.ts'
import { map } from '../../src/operators/map.ts'
import { split } from '../../src/operators/split.ts'
import { dedupe } from '../../src/operators/dedupe.ts'
import { delay } from '../../src/operators/delay.ts'
import { file } from '../../src/sinks/file.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue, type Header, type Record } from '../../src/record/record.ts'
import { VirtualClock } from '../../src/testing/clock.ts'
import { silentLog } from '../../src/testing/operatorContext.ts'
import { allQuiet } from '../../src/topology/allQuiet.ts'
import { encode } from '../../src/topology/encoded.ts'
import { findBuildProblems } from '../../src/topology/build.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { ConfigError, parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { planRetry } from '../../src/topology/retryTopic.ts'
import { append, catalogWith, letterHeaders, operator, output, recordsOf, valuesOf } from '../support/pipeline.ts'

const down = new RecordedFault('service.down', 'user password=hunter2 is not answered.', 'retry')
const broken = new RecordedFault('record.broken', 'It is broken.')

/** Fails so many tries of each record as its value says as `down`, then adds what it was given to what it passes. */
const flaky = () => {
  const tries = new Map<string, number>()
  return operator('flaky', () => (record: Record) => {
    const value = record.value as { id?: string; down?: number; broken?: boolean; size?: number }
    if (value.broken) return fail(record, broken)
    const key = `${value.id}${record.index}`
    const before = tries.get(key) ?? 0
    tries.set(key, before + 1)
    if (before < (value.down ?? 0)) return fail(record, down)
    return emit(record, withValue(record, { ...value, tries: before + 1 }))
  })
}

const grow = operator(
  'grow',
  () => (record) => emit(record, withValue(record, { ...(record.value as object), ballast: 'x'.repeat(1_100_000) })),
)

const catalog = (): Catalog =>
  catalogWith({ operators: [filter, map, split, dedupe, delay, flaky(), grow] as never, sinks: [file] })

interface Setting {
  readonly retry?: string
  readonly source?: string
  readonly streams?: string
}

const configOf = ({
  retry = 'topic: "{source}.retry"',
  source = 'topic: {}',
  streams = 's: { from: in, steps: [{ flaky: {} }], to: { topic: out } }',
}: Setting = {}): string =>
  `name: p\nsources: { in: { ${source} } }\ndeadLetters: { retry: { attempts: 2, backoff: [1s, 10s], ${retry} } }\nstreams:\n  ${streams}\n`

/** A pipeline and its retry pipeline on virtual time. */
async function setUp(
  setting: Setting,
  records: readonly ReturnType<typeof output>[],
  own?: { broker: Broker; clock: VirtualClock; catalog?: Catalog },
) {
  const clock = own?.clock ?? new VirtualClock(0)
  const broker = own?.broker ?? (await openEmbedded({ directory: ':memory:', now: () => clock.now() }))
  const components = own?.catalog ?? catalog()
  const plan = resolvePlan(parseConfig(configOf(setting), 'p.yaml', components, {}), components)
  const retry = planRetry(plan)
  const running = [plan, ...(retry ? [retry] : [])].map(
    (each) => new Pipeline({ plan: each, broker, scheduler: clock, log: silentLog, once: false }),
  )
  for (const pipeline of running) await pipeline.start()
  await append(broker, records)
  await allQuiet(running)
  return {
    broker,
    clock,
    running,
    components,
    /** Moves the clock to the next thing that is due, so many times. */
    async step(times = 1) {
      for (let left = times; left > 0; left--) {
        clock.step()
        await allQuiet(running)
      }
    },
    async stop() {
      for (const pipeline of running) await pipeline.stop()
    },
    counts: async () => (await running[0]!.conservation()).map(({ source: _, ...row }) => row),
  }
}

const texts = (headers: readonly Header[]) => Object.fromEntries(headers.map(([name, value]) => [name, String(value)]))

it('a retry record is the source record byte for byte, in its partition, with what is to be known behind it', async () => {
  const value = Buffer.from('{ "id":"a", "down" : 1.0, "big": 12345678901234567890 }')
  const headers: Header[] = [
    ['b', Buffer.from('1')],
    ['a', null],
    ['b', Buffer.from('')],
    ['oxbow.retry.due', Buffer.from('never')],
  ]
  const key = Buffer.from([0xff, 0])
  const { broker, running, step, stop } = await setUp({ source: 'topic: {}, partitions: 3' }, [
    output('in', value, { key, headers, timestamp: 77, partition: 2 }),
  ])
  const [topic] = await broker.topics(['in.retry'])
  expect(topic!.partitions.map(({ end }) => end)).toEqual([0n, 0n, 1n])
  const [record] = (await broker.read({ topic: 'in.retry', partition: 2, offset: 0n }, 10)).records
  expect(record).toMatchObject({ key, value, timestamp: 0 })
  expect(record!.headers.slice(0, 4)).toEqual(headers)
  expect(texts(record!.headers.slice(4))).toMatchObject({
    'oxbow.retry.due': '1970-01-01T00:00:01.000Z',
    'oxbow.retry.attempts': '1',
    'oxbow.retry.first-failed-at': '1970-01-01T00:00:00.000Z',
    'oxbow.retry.operator': 's.flaky',
    'oxbow.retry.fault.code': 'service.down',
    'oxbow.retry.fault.message': 'user password=[redacted] is not answered.',
    'oxbow.retry.origin.source': 'in',
    'oxbow.retry.origin.topic': 'in',
    'oxbow.retry.origin.partition': '2',
    'oxbow.retry.origin.offset': '0',
    'oxbow.retry.origin.timestamp': '1970-01-01T00:00:00.077Z',
  })
  await step()
  const [passed] = await recordsOf(broker, 'out')
  expect(passed).toMatchObject({ key, headers, timestamp: 77 })
  expect(running.map(({ inFlight }) => inFlight)).toEqual([0, 0])
  await stop()
})

it('is in flight until it is due, and counted once over both pipelines, by its last outcome', async () => {
  const { clock, broker, counts, step, stop } = await setUp({}, [
    output('in', { id: 'a', down: 1 }),
    output('in', { id: 'b' }),
    output('in', { id: 'c', down: 9 }),
  ])
  expect(await valuesOf(broker, 'out')).toEqual([{ id: 'b', tries: 1 }])
  expect(await counts()).toEqual([{ stream: 's', read: 3, emitted: 1, dropped: 0, dead: 0, inFlight: 2 }])
  await step(2)
  expect(clock.now()).toBe(1_000)
  expect(await counts()).toEqual([{ stream: 's', read: 3, emitted: 2, dropped: 0, dead: 0, inFlight: 1 }])
  await step()
  expect(clock.now()).toBe(11_000)
  expect(await counts()).toEqual([{ stream: 's', read: 3, emitted: 2, dropped: 0, dead: 1, inFlight: 0 }])
  const [letter] = await recordsOf(broker, 'dlq.in')
  expect(letterHeaders(letter!.headers)).toMatchObject({
    pipeline: 'p',
    source: 'in',
    operator: 's.flaky',
    attempts: '3',
    disposition: 'retry',
    'first-failed-at': '1970-01-01T00:00:00.000Z',
    'failed-at': '1970-01-01T00:00:11.000Z',
    'origin.topic': 'in',
    'origin.offset': '2',
  })
  expect(letter!.headers.filter(([name]) => name.startsWith('oxbow.'))).toEqual([])
  expect(await recordsOf(broker, 'in.retry')).toHaveLength(3)
  await stop()
})

it('goes on at the operator that failed, with the record as it reached it; the other streams of its source are done', async () => {
  const streams = `s: { from: in, steps: [{ map: { id: record.id, down: record.down + 1 } }, { flaky: {} }], to: { topic: out } }
  t: { from: in, to: { topic: other } }
  u: { from: s, to: { topic: after } }`
  const { broker, counts, step, stop } = await setUp({ streams }, [output('in', { id: 'a', down: 0 })])
  expect(await valuesOf(broker, 'other')).toHaveLength(1)
  await step()
  expect(await valuesOf(broker, 'out')).toEqual([{ id: 'a', down: 1, tries: 2 }])
  expect(await valuesOf(broker, 'after')).toHaveLength(1)
  expect(await valuesOf(broker, 'other')).toHaveLength(1)
  expect(await counts()).toEqual(
    ['s', 't', 'u'].map((stream) => ({ stream, read: 1, emitted: 1, dropped: 0, dead: 0, inFlight: 0 })),
  )
  await stop()
})

it('one retry record takes all parts that failed, once the others are done', async () => {
  const streams = 's: { from: in, steps: [{ split: record }, { flaky: {} }], to: { topic: out } }'
  const parts = [{ id: 'a', down: 1 }, { id: 'b' }, { id: 'c', broken: true }, { id: 'd', down: 2 }]
  const { broker, counts, step, stop } = await setUp({ streams }, [output('in', parts)])
  expect(await recordsOf(broker, 'in.retry')).toHaveLength(1)
  expect(await counts()).toEqual([{ stream: 's', read: 1, emitted: 0, dropped: 0, dead: 0, inFlight: 1 }])
  await step(3)
  expect(await recordsOf(broker, 'in.retry')).toHaveLength(2)
  expect((await valuesOf(broker, 'out')).map((value) => (value as { id: string }).id)).toEqual(['b', 'a', 'd'])
  expect(await recordsOf(broker, 'dlq.in')).toHaveLength(1)
  expect(await counts()).toEqual([{ stream: 's', read: 1, emitted: 0, dropped: 0, dead: 1, inFlight: 0 }])
  await stop()
})

it('what would not fit waits in the state of its task', async () => {
  const streams = 's: { from: in, steps: [{ grow: {} }, { flaky: {} }], to: { topic: out } }'
  const { broker, step, counts, stop } = await setUp({ streams }, [output('in', { id: 'a', down: 1 })])
  expect(await recordsOf(broker, 'in.retry')).toHaveLength(0)
  await step()
  expect(await valuesOf(broker, 'out')).toMatchObject([{ id: 'a', tries: 2 }])
  expect(await counts()).toMatchObject([{ read: 1, emitted: 1, inFlight: 0 }])
  await stop()
})

const damages: [string, (headers: readonly Header[]) => readonly Header[]][] = [
  ['without any headers', () => []],
  ['with a state that is none', (headers) => headers.map(replaced('state', Buffer.from('x')))],
  ['with a state of something else', (headers) => headers.map(replaced('state', encode({ marks: {}, parts: [7] })))],
  ['from another partition', (headers) => headers.map(replaced('origin.partition', Buffer.from('5')))],
  ['without an offset', (headers) => headers.filter(([name]) => !name.endsWith('origin.offset'))],
]

const replaced =
  (name: string, by: Buffer) =>
  (header: Header): Header =>
    header[0] === `oxbow.retry.${name}` ? [header[0], by] : header

it.each(damages)('a stranger on the retry topic %s is dead-lettered, and counted', async (_, damage) => {
  const own = await setUp({}, [output('in', { id: 'a', down: 1 })])
  const [record] = await recordsOf(own.broker, 'in.retry')
  await append(own.broker, [output('in.retry', { id: 'z' }, { headers: damage(record!.headers) })])
  await allQuiet(own.running)
  const [letter] = await recordsOf(own.broker, 'dlq.in')
  expect(letterHeaders(letter!.headers)).toMatchObject({
    'fault.code': 'retry.unreadable',
    'origin.topic': 'in.retry',
    'origin.offset': '1',
  })
  await own.step()
  expect(await own.counts()).toEqual([{ stream: 's', read: 2, emitted: 1, dropped: 0, dead: 1, inFlight: 0 }])
  await own.stop()
})

it('a record that waits is still there after a restart, of which nothing is read twice', async () => {
  const first = await setUp({}, [output('in', { id: 'a', down: 2 })])
  await first.stop()
  const second = await setUp({}, [], { ...first, catalog: first.components })
  expect(second.running[1]!.inFlight).toBe(1)
  await second.step(2)
  await second.stop()
  const third = await setUp({}, [], { ...first, catalog: first.components })
  expect(await valuesOf(first.broker, 'out')).toEqual([{ id: 'a', down: 2, tries: 3 }])
  expect(await third.counts()).toMatchObject([{ read: 1, emitted: 1, inFlight: 0 }])
  await third.stop()
})

it('an operator that is gone in the meantime makes a letter', async () => {
  const first = await setUp({}, [output('in', { id: 'a', down: 1 })])
  await first.stop()
  const gone = { streams: 's: { from: in, to: { topic: out } }' }
  const second = await setUp(gone, [], { ...first, catalog: first.components })
  await second.step()
  const [letter] = await recordsOf(first.broker, 'dlq.in')
  expect(letterHeaders(letter!.headers)).toMatchObject({ 'fault.code': 'operator.gone', operator: 's.flaky' })
  expect(await second.counts()).toMatchObject([{ read: 1, dead: 1, inFlight: 0 }])
  await second.stop()
})

const both = 's: { from: in, steps: [{ split: record }, { flaky: {} }], to: { topic: out } }'

it.each([
  ['in the state of the task', 'reenter: source'],
  ['by the retry topic', 'reenter: source, topic: "{source}.retry"'],
])('reenter: source runs the whole record again, %s, and counts tries per source record', async (_, retry) => {
  const { broker, counts, step, stop } = await setUp({ retry, streams: both }, [
    output('in', [{ id: 'a' }, { id: 'b', down: 2 }, { id: 'c', broken: true }, { id: 'd', down: 9 }]),
  ])
  await step(2)
  const ids = (await valuesOf(broker, 'out')).map((value) => (value as { id: string }).id)
  expect(ids).toEqual(['a', 'a', 'a', 'b'])
  const letters = (await recordsOf(broker, 'dlq.in')).map(({ headers }) => letterHeaders(headers))
  expect(letters.map((letter) => [letter['fault.code'], letter['attempts']])).toEqual([
    ['record.broken', '1'],
    ['service.down', '3'],
  ])
  expect(await counts()).toEqual([{ stream: 's', read: 1, emitted: 0, dropped: 0, dead: 1, inFlight: 0 }])
  await stop()
})

it('tries per source record go on over a restart in the middle of one', async () => {
  const retry = 'reenter: source'
  const streams = 's: { from: in, steps: [{ delay: { for: 5s } }, { flaky: {} }], to: { topic: out } }'
  const first = await setUp({ retry, streams }, [output('in', { id: 'a', down: 9 })])
  await first.step(3) // the delay, the first pause, and into the delay again
  await first.stop()
  const second = await setUp({ retry, streams }, [], { ...first, catalog: first.components })
  while ((await recordsOf(first.broker, 'dlq.in')).length === 0) await second.step()
  const [letter] = await recordsOf(first.broker, 'dlq.in')
  expect(letterHeaders(letter!.headers)).toMatchObject({ attempts: '3' })
  await second.stop()
})

const problemsOf = (setting: Setting): string[] => {
  const components = catalog()
  try {
    const config = parseConfig(configOf(setting), 'p.yaml', components, {})
    const plan = resolvePlan(config, components)
    return findBuildProblems(config, plan, new VirtualClock(0), silentLog).map(({ message }) => message)
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems.map(({ message }) => message)
    throw thrown
  }
}

it.each([
  [
    { retry: 'topic: again }, order: key, envelope: headers, redact: [], halt: { ratio: 1, of: 9 ' },
    '`order: key` needs the retries of `in` in its task; leave `topic` out',
  ],
  [{ retry: 'topic: out' }, 'the pipeline writes something else to `out`; retries need a topic of their own'],
  [{ retry: 'topic: dlq.in' }, 'the pipeline writes something else to `dlq.in`; retries need a topic of their own'],
  [{ retry: 'topic: in' }, '`in` is a source of this pipeline; retries need a topic of their own'],
  [
    {
      retry: 'topic: again',
      source: 'topic: {} }, b: { topic: {}',
      streams: 's: { from: [in, b], to: { topic: out } }',
    },
    '`again` would hold the retries of `in` and of `b`; give each source its own topic, such as `{source}.retry`',
  ],
  [
    { streams: 's: { from: in, to: { file: { path: ./x } } }' },
    '`file` takes one writer, and the retry pipeline of `in`',
  ],
  [
    {
      streams:
        's: { from: in, to: { topic: a } }\n  t: { from: s, steps: [{ dedupe: { by: record.id } }], to: { topic: out } }',
    },
    '`dedupe` remembers records, and the retries of `in` would pass another one',
  ],
  [{ streams: 's: { from: in, steps: [{ delay: { for: 1s } }], to: { topic: out } }' }, '`delay` holds records, and'],
])('check refuses %j', (setting, message) => {
  expect(problemsOf(setting)).toEqual([expect.stringContaining(message)])
})

it('check has nothing against them where retries wait in their task, or come from another source', () => {
  const streams =
    's: { from: in, steps: [{ dedupe: { by: record.id } }, { delay: { for: 1s } }], to: { file: { path: ./x } } }'
  expect(problemsOf({ retry: 'reenter: source', streams })).toEqual([])
  const apart = `${streams}\n  t: { from: b, to: { topic: out } }`
  const source = 'topic: {} }, b: { topic: {}, deadLetters: { retry: { topic: b.retry } }'
  expect(problemsOf({ retry: 'reenter: operator', source, streams: apart })).toEqual([])
})
