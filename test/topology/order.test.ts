import { setImmediate } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail, type Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { commandRecord, keyText, laneOf, type LaneCommand } from '../../src/topology/lane.ts'
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
import { lettersOf, sendBack } from '../support/redrive.ts'

/** Fails what is bad, until it is healed. */
function gate() {
  const state = { healed: false }
  const apply = (record: Record) =>
    (record.value as { bad?: true }).bad && !state.healed
      ? fail(record, new RecordedFault('record.useless', 'It is of no use.'))
      : emit(record)
  return { state, catalog: catalogWith({ operators: [operator('gate', () => apply)] }) }
}

const ordered = (more = '') => `
name: p
sources: { in: { topic: { format: json } } }
deadLetters: { order: key, ${more} }
streams:
  one: { from: in, steps: [{ gate: {} }], to: { topic: { name: out } } }
`
const twice = `${ordered()}  two: { from: in, steps: [{ gate: {} }], to: { topic: { name: also } } }\n`

const record = (key: string, value: object) => output('in', value, { key: Buffer.from(key) })
const command = (broker: Broker, said: LaneCommand) => append(broker, [commandRecord(laneOf('p', 'in'), 0, said, 0)])

it('parks later records of a key behind a dead letter, and lets other keys pass', async () => {
  const { catalog, state } = gate()
  const before = [record('a', { n: 1, bad: true }), record('a', { n: 2 }), record('b', { n: 3 })]
  const { pipeline, broker, plan } = await startPipeline(ordered(), catalog, { before, once: false })
  await pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 3 }])
  expect([pipeline.inFlight, pipeline.blocked]).toEqual([1, 1])
  expect(pipeline.places).toEqual(
    new Map([
      ['one.gate', 1],
      ['in.parked', 1],
    ]),
  )
  state.healed = true
  const [letter] = await lettersOf(broker)
  await sendBack(broker, plan, [letter!])
  await pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 3 }, { n: 1, bad: true }, { n: 2 }])
  expect(await pipeline.conservation()).toMatchObject([{ read: 3, emitted: 3, dead: 0, inFlight: 0 }])
})

it('counts a hop each time a record is redriven, under the same letter', async () => {
  const { catalog } = gate()
  const { pipeline, broker, plan } = await startPipeline(ordered(), catalog, {
    before: [record('a', { bad: true })],
    once: false,
  })
  await pipeline.quiet()
  for (const hops of [1, 2]) {
    const last = (await lettersOf(broker)).at(-1)!
    await sendBack(broker, plan, [last])
    await pipeline.quiet()
    expect((await lettersOf(broker)).at(-1)).toMatchObject({ id: last.id, hops, attempts: 1 })
  }
  expect(await pipeline.conservation()).toMatchObject([{ read: 1, dead: 1, inFlight: 0 }])
})

it('holds a key up until all letters of the record are gone', async () => {
  const { catalog, state } = gate()
  const before = [record('a', { n: 1, bad: true }), record('a', { n: 2 })]
  const { pipeline, broker, plan } = await startPipeline(twice, catalog, { before, once: false })
  await pipeline.quiet()
  const [first, second] = await lettersOf(broker)
  state.healed = true
  await sendBack(broker, plan, [first!])
  await pipeline.quiet()
  expect([await valuesOf(broker, 'out'), await valuesOf(broker, 'also')]).toEqual([[{ n: 1, bad: true }], []])
  expect(await pipeline.conservation()).toMatchObject([
    { stream: 'one', read: 2, emitted: 1, dead: 0, inFlight: 1 },
    { stream: 'two', read: 2, emitted: 0, dead: 1, inFlight: 1 },
  ])
  await command(broker, { command: 'discard', letter: second!.id })
  await pipeline.quiet()
  expect([await valuesOf(broker, 'out'), await valuesOf(broker, 'also')]).toEqual([
    [{ n: 1, bad: true }, { n: 2 }],
    [{ n: 2 }],
  ])
  expect(await pipeline.conservation()).toMatchObject([
    { stream: 'one', read: 2, emitted: 2, dead: 0, inFlight: 0 },
    { stream: 'two', read: 2, emitted: 1, dead: 1, inFlight: 0 },
  ])
})

it('reads a record again that could not be read, when its letter is redriven', async () => {
  const before = [output('in', Buffer.from('{'), { key: Buffer.from('a') }), record('a', { n: 2 })]
  const { pipeline, broker, plan } = await startPipeline(ordered(), gate().catalog, { before, once: false })
  await pipeline.quiet()
  const [letter] = await lettersOf(broker)
  await sendBack(broker, plan, [letter!])
  await pipeline.quiet()
  expect((await lettersOf(broker)).map(({ id, hops }) => [id, hops])).toEqual([
    [letter!.id, 0],
    [letter!.id, 1],
  ])
  await command(broker, { command: 'release', key: keyText(Buffer.from('a')) })
  await pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 2 }])
})

it('passes over what is no command, and letters that nothing waits for, and says so', async () => {
  const { pipeline, broker, log } = await startPipeline(ordered(), gate().catalog, { once: false })
  await append(broker, [
    output(laneOf('p', 'in'), Buffer.from('hello')),
    output(laneOf('p', 'in'), { command: 'discard', letter: 'x' }),
  ])
  await pipeline.quiet()
  expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'warn p-in-redrive/0/0 is no dead letter and no command, and is passed over; `oxbow dlq redrive` writes them',
    'warn discard: no task waits for this letter (any more); it changes nothing',
  ])
})

it('pauses the partition when too much is parked, says so, and goes on when there is room', async () => {
  const { catalog, state } = gate()
  const before = [record('a', { n: 0, bad: true }), record('a', { n: 1 }), record('a', { n: 2 })]
  const started = await startPipeline(ordered('parked: { records: 3 }'), catalog, { before, once: false })
  const { pipeline, broker, plan, log } = started
  await pipeline.quiet()
  await append(broker, [record('b', { n: 3 })])
  await pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([])
  expect(pipeline.troubles).toEqual([
    expect.stringMatching(/^task 0_0 reads no more: 3 records \(\d+ bytes\) are parked/),
  ])
  expect(log.lines).toMatchObject([{ level: 'error', fields: { source: 'in', partition: 0 } }])
  const counted = async () => (await broker.counts('p')).filter(({ stream }) => stream === '$paused')
  expect(await counted()).toMatchObject([{ source: 'in', read: 1, emitted: 0 }])
  state.healed = true
  await sendBack(broker, plan, [(await lettersOf(broker))[0]!])
  await pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 0, bad: true }, { n: 1 }, { n: 2 }, { n: 3 }])
  expect(await counted()).toMatchObject([{ source: 'in', read: 1, emitted: 1 }])
  expect(pipeline.troubles).toEqual([])
})

it('bounds what is parked by its bytes too', async () => {
  const before = [record('a', { bad: true }), record('a', { text: 'x'.repeat(2_000) })]
  const { pipeline } = await startPipeline(ordered('parked: { size: 1KiB }'), gate().catalog, { before, once: false })
  await pipeline.quiet()
  expect(pipeline.troubles).toEqual([expect.stringContaining('task 0_0 reads no more: 2 records')])
})

it('lets tens of thousands of parked records of a key go on, not all in one unit', async () => {
  const { catalog } = gate()
  const many = 20_000
  const before = [record('a', { n: 0, bad: true }), ...Array.from({ length: many }, (_, n) => record('a', { n }))]
  const { pipeline, broker } = await startPipeline(ordered(`parked: { records: ${many + 2} }`), catalog, {
    before,
    once: false,
  })
  await pipeline.quiet()
  const commits = pipeline.meter.commits
  await command(broker, { command: 'discard', letter: (await lettersOf(broker))[0]!.id })
  await pipeline.quiet({ settled: true })
  expect((await valuesOf(broker, 'out')).map((value) => (value as { n: number }).n)).toEqual(
    Array.from({ length: many }, (_, n) => n),
  )
  expect(pipeline.meter.commits - commits).toBeGreaterThanOrEqual(5)
})

it('does not order records without a key', async () => {
  const before = [output('in', { bad: true }), output('in', { n: 1 })]
  const { pipeline, broker } = await startPipeline(ordered(), gate().catalog, { before, once: false })
  await pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 1 }])
})

it('lets go of what was parked when a config keeps no order any more', async () => {
  const broker = await openEmbedded({ directory: ':memory:' })
  const before = [record('a', { n: 0, bad: true }), record('a', { n: 1 }), record('b', { n: 2, bad: true })]
  const { pipeline } = await startPipeline(ordered(), gate().catalog, { broker, before })
  await pipeline.quiet()
  await pipeline.stop()
  const unordered = await startPipeline(ordered().replace('order: key', 'order: none'), gate().catalog, { broker })
  await unordered.pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 1 }])
  expect(unordered.pipeline.inFlight).toBe(0)
  expect(await unordered.pipeline.conservation()).toMatchObject([{ read: 3, emitted: 1, dead: 2, inFlight: 0 }])
})

it('lets go of a letter whose source is ordered no more, while another part of its record is under way', async () => {
  const { catalog } = gate()
  const yaml = `${ordered()}  two: { from: in, steps: [{ call: {} }], to: { topic: { name: also } } }\n`
  const callingBy = (each: (record: Record) => Promise<Outcome>) => ({
    ...catalog,
    operators: [...catalog.operators, operator('call', () => ({ concurrency: 1, each }))],
  })
  const never = callingBy(() => new Promise(() => {}))
  const before = [record('a', { n: 0, bad: true }), record('a', { n: 1 })]
  const first = await startPipeline(yaml, never, { before, once: false })
  const { broker } = first
  while ((await lettersOf(broker)).length < 1) await setImmediate()
  await first.pipeline.stop()

  const answer = Promise.withResolvers<void>()
  const answers = callingBy((record) => answer.promise.then(() => emit(record)))
  const unordered = yaml.replace('order: key', 'order: none')
  const second = await startPipeline(unordered, answers, { broker, once: false })
  while ((await valuesOf(broker, 'out')).length < 1) await setImmediate()
  expect(second.pipeline.inFlight, 'the record is under way in the other stream').toBe(2)
  answer.resolve()
  await second.pipeline.quiet({ settled: true })
  expect(await valuesOf(broker, 'also')).toEqual([{ n: 0, bad: true }, { n: 1 }])
  expect(await second.pipeline.conservation()).toMatchObject([
    { stream: 'one', read: 2, emitted: 1, dead: 1, inFlight: 0 },
    { stream: 'two', read: 2, emitted: 2, dead: 0, inFlight: 0 },
  ])
  await second.pipeline.stop()

  const state = await broker.state('p', '0')
  expect(['$parts', '$lineages'].flatMap((store) => [...state.entries(store)])).toEqual([])
  const third = await startPipeline(unordered, answers, { broker })
  await third.pipeline.quiet({ settled: true })
  expect([third.pipeline.inFlight, (await lettersOf(broker)).length]).toEqual([0, 1])
})

it('a letter of an ordered source says the same as any other', async () => {
  const { pipeline, broker } = await startPipeline(ordered(), gate().catalog, { before: [record('a', { bad: true })] })
  await pipeline.quiet()
  const [letter] = await recordsOf(broker, 'dlq.in')
  expect(letterHeaders(letter!.headers)).toMatchObject({
    operator: 'one.gate',
    hops: '0',
    'fault.code': 'record.useless',
  })
})

it('a key with much to do is no alarm, though its partition is read no faster than it goes', async () => {
  const answered = Promise.withResolvers<void>()
  const each = (record: Record) => answered.promise.then(() => emit(record))
  const catalog = catalogWith({ operators: [operator('gate', () => ({ each, concurrency: 1 }))] })
  const before = Array.from({ length: 10 }, (_, n) => record('a', { n }))
  const { pipeline, broker, log } = await startPipeline(ordered('parked: { records: 3 }'), catalog, {
    before,
    once: false,
  })
  await vi.waitFor(() => expect(pipeline.meter.commits).toBeGreaterThan(0))
  answered.resolve()
  await pipeline.quiet({ settled: true })
  expect(await valuesOf(broker, 'out')).toHaveLength(10)
  expect(log.lines).toEqual([])
  expect((await broker.counts('p')).filter(({ stream }) => stream === '$paused')).toEqual([])
})
