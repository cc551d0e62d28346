import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { Broker, Unit } from '../../src/broker/broker.ts'
import { defineSource } from '../../src/component/source.ts'
import { defineOperator } from '../../src/component/operator.ts'
import { readLetter } from '../../src/deadletter/readLetter.ts'
import { keyBy } from '../../src/operators/keyBy.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { table } from '../../src/sinks/table.ts'
import { VirtualClock } from '../../src/testing/clock.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { stagesBefore } from '../../src/topology/stages.ts'
import { inTimeOrder } from '../../src/topology/timeOrder.ts'
import { append, catalogWith, operator, output, startPipeline, valuesOf } from '../support/pipeline.ts'

/** Takes the records of either side as they come. */
const meet = defineOperator({
  name: 'meet',
  summary: 'For this test.',
  faults: [],
  examples: [],
  config: z.string(),
  keyed: true,
  reads: (stream) => ({ stream }),
  build: () => ({ left: (record) => emit(record), right: (record) => emit(record) }),
})
const pass = operator('pass', () => (record) => emit(record))
const count = operator('count', () => (record) => emit(record), { keyed: true })
const halt = operator(
  'halt',
  () => (record) => fail(record, new RecordedFault('table.gone', 'The table is gone.', 'halt')),
)
/** Appends records at the times that it is given, one after another, each after so many turns of the event loop. */
const slow = defineSource({
  name: 'slow',
  summary: 'For this test.',
  faults: [],
  examples: [],
  config: z.strictObject({ times: z.array(z.int()), turns: z.int() }),
  format: () => 'json',
  async open({ times, turns }, { name }) {
    return {
      async poll(cursor) {
        for (let turn = 0; turn < turns; turn++) await setImmediate()
        const at = Number(cursor ?? 0)
        const [timestamp] = times.slice(at)
        if (timestamp === undefined) return { records: [], wait: 'ended' }
        return { records: [{ key, value: Buffer.from(`"${name}${timestamp}"`), timestamp }], cursor: at + 1 }
      },
    }
  },
})
const key = Buffer.from('k')
const catalog = catalogWith({ operators: [meet, keyBy, pass, count, halt], sinks: [table], sources: [slow] })

const config = (streams: string, more = '') => `
name: p
sources: { a: { topic: {} }, b: { topic: {} }, c: { topic: {} } }
deadLetters: { retry: { attempts: 0 } ${more} }
streams:
  spare: { from: c, to: { topic: spare } }
${streams}`
const met = '  met: { from: a, steps: [{ meet: b }], to: { topic: out } }'

const at = (topic: string, timestamp: number) => output(topic, `${topic}${timestamp}`, { key, timestamp })

/** A broker that hands out nothing of a topic, though it says that there is something. */
const withholding = (broker: Broker, topic: string): Broker => ({
  ...broker,
  async subscribe(...args) {
    const subscription = await broker.subscribe(...args)
    return {
      ...subscription,
      poll: async (options) => (await subscription.poll(options)).filter((batch) => batch.topic !== topic),
      lag: async () =>
        (await subscription.lag()).map((own) => (own.topic === topic ? { ...own, position: own.start } : own)),
    }
  },
})

async function until(condition: () => Promise<boolean>, clock?: VirtualClock): Promise<void> {
  while (!(await condition())) {
    await setImmediate()
    clock?.step()
  }
}

describe('records of several topics that meet by key', () => {
  it('are taken in the order of their times, in units that commit the offsets of all', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    const units: Unit[] = []
    const commit = (unit: Unit) => {
      if (unit.group === 'p') units.push(unit)
      return broker.commit(unit)
    }
    await append(broker, [at('b', 1), at('b', 4), at('a', 2), at('a', 3), at('a', 5)])
    const { pipeline } = await startPipeline(config(met), catalog, { broker: { ...broker, commit } })
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual(['b1', 'a2', 'a3', 'b4', 'a5'])
    expect(units.map(({ offsets }) => offsets.map(({ topic, offset }) => `${topic} ${offset}`))).toEqual([
      ['a 2', 'b 2'],
      ['a 3'],
    ])
  })

  it('are in the order of the times in them where their source says so; one without a time is dead, in its place', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    const dated = (topic: string, at: unknown) =>
      append(broker, [
        { ...output(topic, '', { key, timestamp: 1_000 }), value: Buffer.from(JSON.stringify({ at, topic })) },
      ])
    for (const at of [1, 4]) await dated('b', at)
    for (const at of ['1970-01-01T00:00:00.002Z', 3, 'noon', 5]) await dated('a', at)
    const timed = config(met).replace(
      'a: { topic: {} }, b: { topic: {} }',
      'a: { topic: {}, timestamp: record.at }, b: { topic: {}, timestamp: record.at }',
    )
    const { pipeline } = await startPipeline(timed, catalog, { broker })
    await pipeline.quiet()
    const { records } = await broker.read({ topic: 'out', partition: 0, offset: 0n }, 100)
    expect(records.map(({ value, timestamp }) => [JSON.parse(value!.toString()).topic, timestamp])).toEqual([
      ['b', 1],
      ['a', 2],
      ['a', 3],
      ['b', 4],
      ['a', 5],
    ])
    const [letter] = (await broker.read({ topic: 'dlq.a', partition: 0, offset: 0n }, 100)).records
    expect(readLetter(letter!)).toMatchObject({
      operator: 'a.read',
      fault: { code: 'time.unreadable' },
      origin: { timestamp: 1_000 },
      record: { timestamp: 1_000 },
    })
    await pipeline.stop()
  })

  it('come again, none lost and none doubled, when their unit cannot be committed', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    const clock = new VirtualClock(0)
    let units = 0
    const commit = async (unit: Unit) => {
      if (unit.group === 'p' && ++units % 3 === 1) throw new Error('No space is left.')
      return broker.commit(unit)
    }
    await append(broker, [at('b', 1), at('b', 4), at('a', 2), at('a', 3), at('a', 5), at('b', 6)])
    const { pipeline, log } = await startPipeline(config(met), catalog, {
      broker: { ...broker, commit },
      scheduler: clock,
      once: false,
    })
    await until(async () => (await valuesOf(broker, 'out')).length >= 6, clock)
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual(['b1', 'a2', 'a3', 'b4', 'a5', 'b6'])
    expect(log.lines.filter(({ level }) => level === 'error').length).toBeGreaterThan(0)
  })

  it('wait for a topic that has more to come, and no longer when nothing of it moves, which is said once', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    const clock = new VirtualClock(0)
    await append(broker, [at('b', 1), at('a', 2)])
    const { pipeline, log } = await startPipeline(config(met), catalog, {
      broker: withholding(broker, 'b'),
      scheduler: clock,
    })
    await until(async () => (await valuesOf(broker, 'out')).length > 0, clock)
    expect(clock.now()).toBeGreaterThanOrEqual(10_000)
    expect(clock.now()).toBeLessThan(11_000)
    await append(broker, [at('a', 3)])
    await until(async () => (await valuesOf(broker, 'out')).length > 1)
    expect(await valuesOf(broker, 'out')).toEqual(['a2', 'a3'])
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      [
        'info',
        'Task 0_0 goes on without b: there is more to come, and nothing of it has moved for 10 s. Records that come of it later are taken out of the order of time.',
      ],
    ])
    await pipeline.stop()
  })

  it('are dropped when the pipeline stops meanwhile, and hold up no command for dead letters', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    await append(broker, [at('b', 1), at('a', 2)])
    const { pipeline } = await startPipeline(config(met, ', order: key'), catalog, {
      broker: withholding(broker, 'b'),
      scheduler: new VirtualClock(0),
    })
    await append(broker, [output('p-a-redrive', { command: 'discard', letter: 'none' })])
    const offsets = async () => (await broker.committed('p')).map(({ topic }) => topic)
    await until(async () => (await offsets()).length > 0)
    expect(await offsets()).toEqual(['p-a-redrive'])
    await pipeline.stop()
    const next = await startPipeline(config(met, ', order: key'), catalog, { broker })
    await next.pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual(['b1', 'a2'])
  })

  it('do not hold up a stop while a broker that is away does not say what is to come', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    await append(broker, [at('a', 2)])
    const asked = Promise.withResolvers<void>()
    const silent: Broker = {
      ...broker,
      async subscribe(...args) {
        const lag = () => {
          asked.resolve()
          return new Promise<never>(() => {})
        }
        return { ...(await broker.subscribe(...args)), lag }
      },
    }
    const { pipeline } = await startPipeline(config(met), catalog, { broker: silent })
    await asked.promise
    await pipeline.stop()
    expect(await valuesOf(broker, 'out')).toEqual([])
  })

  it('stop their task, which says why, when that cannot be found out', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    await append(broker, [at('a', 2)])
    let asked = 0
    const failing: Broker = {
      ...broker,
      async subscribe(...args) {
        const subscription = await broker.subscribe(...args)
        const lag = () => (asked++ === 0 ? Promise.reject(new Error('No leader.')) : subscription.lag())
        return { ...subscription, lag }
      },
    }
    const clock = new VirtualClock(0)
    const { log } = await startPipeline(config(met), catalog, { broker: failing, scheduler: clock, once: false })
    await until(async () => (await valuesOf(broker, 'out')).length > 0, clock)
    expect(log.lines.map(({ message }) => message)).toEqual([
      'Task 0_0 stopped, nothing of its unit was committed: No leader.',
    ])
  })

  it.each([
    ['met', '{ meet: b }', ''],
    ['met beyond a new key', '{ meet: keyed }', '  keyed: { from: b, steps: [{ keyBy: record }] }'],
  ])('are waited for while their connector is to end and has not: %s', async (_, step, more) => {
    const yaml = config(`${more}\n  met: { from: a, steps: [${step}], to: { topic: out } }`)
      .replace('a: { topic: {} }', 'a: { slow: { times: [2, 3, 6], turns: 0 } }')
      .replace('b: { topic: {} }', 'b: { slow: { times: [1, 4, 5], turns: 20 } }')
    const { pipeline, broker } = await startPipeline(yaml, catalog)
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual(['b1', 'a2', 'a3', 'b4', 'b5', 'a6'])
  })

  it('wait for a task upstream no longer than it moves', async () => {
    const streams = `
  keyed: { from: b, steps: [{ halt: {} }, { keyBy: record }] }
  met: { from: a, steps: [{ meet: keyed }], to: { topic: out } }`
    const broker = await openEmbedded({ directory: ':memory:' })
    const clock = new VirtualClock(0)
    await append(broker, [at('b', 1), at('a', 2)])
    const { pipeline, log } = await startPipeline(config(streams), catalog, { broker, scheduler: clock })
    await until(async () => (await valuesOf(broker, 'out')).length > 0, clock)
    await pipeline.quiet()
    expect(clock.now()).toBeGreaterThanOrEqual(10_000)
    expect(log.lines.map(({ level }) => level).toSorted()).toEqual(['error', 'info'])
  })

  it('do not wait for what waits for themselves', async () => {
    const streams = `
  others: { from: b, to: { topic: others } }
  rows: { from: a, steps: [{ keyBy: record }, { count: {} }] }
  met: { from: a, steps: [{ meet: rows }], to: { topic: out } }`
    const { pipeline, broker, log } = await startPipeline(config(streams), catalog, {
      scheduler: new VirtualClock(0),
      before: [at('a', 1), at('a', 2)],
    })
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toHaveLength(4)
    expect(log.lines).toEqual([])
  })
})

const planOf = (streams: string) => resolvePlan(parseConfig(config(streams), 'p.yaml', catalog, {}), catalog)
const orderedOf = (streams: string) =>
  planOf(streams)
    .subtopologies.map(inTimeOrder)
    .filter(({ length }) => length > 0)

describe('the order of time', () => {
  it.each([
    ['a step with two sides', met, [['a', 'b']]],
    [
      'a step by key over several sources',
      '  n: { from: [a, b, c], steps: [{ count: {} }], to: { topic: n } }',
      [['a', 'c', 'b']],
    ],
    ['a table of several sources', '  rows: { from: [a, b], to: { table: rows } }', [['a', 'b']]],
    ['no step by key', '  n: { from: [a, b], steps: [{ pass: {} }], to: { topic: n } }', []],
    [
      'one source',
      '  n: { from: a, steps: [{ count: {} }], to: { topic: n } }\n  m: { from: b, to: { topic: m } }',
      [],
    ],
  ])('is kept, or not: %s', (_, streams, ordered) => {
    expect(orderedOf(streams).map((topics) => topics.toSorted())).toEqual(ordered.map((topics) => topics.toSorted()))
  })

  it('waits for what comes before an internal topic, stage after stage', () => {
    const plan = planOf(`
  first: { from: b, steps: [{ keyBy: record.x }, { count: {} }, { keyBy: record.y }] }
  met: { from: a, steps: [{ meet: first }], to: { topic: out } }`)
    const [own] = plan.subtopologies
    expect(stagesBefore(['a', 'p-first-2-repartition'], own!, plan)).toEqual([['b'], ['p-first-repartition']])
    expect(stagesBefore(['a'], own!, plan)).toEqual([])
  })
})
