import { bufferCount, concatMap, delay, EMPTY, map, mergeMap, take, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail, type Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
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

const config = (step: string, { to = 'topic: out', deadLetters = '' } = {}) => `
name: p
sources: { in: { topic: {} } }
deadLetters: { retry: { attempts: 2, backoff: [5ms] }${deadLetters} }
streams: { s: { from: in, steps: ${step ? `[{ ${step}: {} }]` : '[]'}, to: { ${to} } } }
`
const numbers = (count: number, more: (n: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, n) => output('in', { n, ...more(n) }, { key: Buffer.from(`k${n % 3}`) }))
const numberOf = ({ value }: Record): number => (value as { n: number }).n

describe('asynchronous operators', () => {
  it('keep the order of each key, run up to their concurrency, and fail by themselves', async () => {
    let running = 0
    let most = 0
    const call = operator('call', () => ({
      concurrency: 2,
      each: async (record) => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 3 - (numberOf(record) % 3)))
        running--
        if (numberOf(record) === 4) throw new Error('four')
        return emit(record)
      },
    }))
    const { pipeline, broker } = await startPipeline(config('call'), catalogWith({ operators: [call] }), {
      before: numbers(12),
    })
    await pipeline.quiet({ settled: true })

    const order = (await recordsOf(broker, 'out')).map(({ key, value }) => [String(key), JSON.parse(String(value)).n])
    for (const key of ['k0', 'k1', 'k2']) {
      const own = order.filter(([of]) => of === key).map(([, n]) => n)
      expect(own).toEqual(own.toSorted((a, b) => a - b))
    }
    expect(order).toHaveLength(11)
    expect(most).toBe(2)
    expect(await valuesOf(broker, 'dlq.in')).toEqual([{ n: 4 }])
  })

  it('do not hold up a commit: what they work on is under way in the unit, and is taken up again after a crash', async () => {
    const never = operator('call', () => ({
      concurrency: 8,
      each: (record) => (numberOf(record) % 2 ? new Promise<Outcome>(() => {}) : Promise.resolve(emit(record))),
    }))
    const works = operator('call', () => ({ concurrency: 8, each: (record) => Promise.resolve(emit(record)) }))
    const first = await startPipeline(config('call'), catalogWith({ operators: [never] }), { before: numbers(6) })
    while ((await first.broker.committed('p'))[0]?.offset !== 6n) await new Promise(setImmediate)
    expect(await valuesOf(first.broker, 'out')).toEqual([{ n: 0 }, { n: 2 }])
    expect(await first.pipeline.conservation()).toMatchObject([{ read: 6, emitted: 2, inFlight: 4 }])
    await first.pipeline.stop()

    const second = await startPipeline(config('call'), catalogWith({ operators: [works] }), { broker: first.broker })
    await second.pipeline.quiet({ settled: true })
    expect(await valuesOf(first.broker, 'out')).toEqual([0, 2, 1, 3, 5, 4].map((n) => ({ n })))
    expect(await second.pipeline.conservation()).toMatchObject([
      { read: 6, emitted: 6, dropped: 0, dead: 0, inFlight: 0 },
    ])
  })

  it('whose place is gone from the config give their records up as dead letters', async () => {
    const never = operator('call', () => ({ concurrency: 8, each: () => new Promise<Outcome>(() => {}) }))
    const first = await startPipeline(config('call'), catalogWith({ operators: [never] }), { before: numbers(1) })
    while ((await first.broker.committed('p'))[0]?.offset !== 1n) await new Promise(setImmediate)
    await first.pipeline.stop()

    const second = await startPipeline(config(''), catalogWith({}), { broker: first.broker })
    await second.pipeline.quiet({ settled: true })
    expect(letterHeaders((await recordsOf(first.broker, 'dlq.in'))[0]!.headers)['fault.code']).toBe('operator.gone')
    expect(await second.pipeline.conservation()).toMatchObject([{ read: 1, dead: 1, inFlight: 0 }])
  })
})

describe('timed operators', () => {
  it('hold records and let them go when they like', async () => {
    const later = operator('later', (_, { scheduler }) => ({
      over: (records) =>
        records.pipe(
          delay(5, scheduler),
          map((record) => emit(record)),
        ),
    }))
    const { pipeline, broker } = await startPipeline(config('later'), catalogWith({ operators: [later] }), {
      before: numbers(3),
    })
    await pipeline.quiet({ settled: true })
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }])
  })

  it('that wait for more records let go at the end', async () => {
    const pairs = operator('pairs', () => ({
      over: (records) =>
        records.pipe(
          bufferCount(2),
          mergeMap((pair) => pair.map((record) => emit(record))),
        ),
    }))
    const { pipeline, broker } = await startPipeline(config('pairs'), catalogWith({ operators: [pairs] }), {
      before: numbers(3),
    })
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 0 }, { n: 1 }])
    expect(pipeline.inFlight).toBe(1)
    await pipeline.flush()
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }])
    expect(pipeline.inFlight).toBe(0)
  })

  it.each([
    [
      'errors',
      operator('odd', () => ({
        over: (records) =>
          records.pipe(
            concatMap((record) => (numberOf(record) === 1 ? throwError(() => new Error('no')) : [emit(record)])),
          ),
      })),
    ],
    [
      'completes early',
      operator('odd', () => ({
        over: (records) =>
          records.pipe(
            take(1),
            concatMap(() => EMPTY),
          ),
      })),
    ],
    [
      'lets out strangers',
      operator('odd', () => ({
        over: (records) => records.pipe(map((record) => emit(numberOf(record) === 1 ? { ...record } : record))),
      })),
    ],
  ])('go on when their RxJS %s', async (_, odd) => {
    const { pipeline, broker } = await startPipeline(config('odd'), catalogWith({ operators: [odd] }), {
      before: numbers(4),
    })
    await pipeline.quiet({ settled: true })
    const [count] = await pipeline.conservation()
    expect(count).toMatchObject({ read: 4, inFlight: 0 })
    expect(count!.emitted + count!.dead).toBe(4)
    expect(count!.dead).toBeGreaterThan(0)
    expect((await recordsOf(broker, 'dlq.in')).length).toBe(count!.dead)
  })
})

/** The broker, with a commit that can be made to fail. */
function breakable(broker: Broker): Broker & { broken: boolean } {
  const proxy = {
    ...broker,
    broken: false,
    commit: async (unit: Parameters<Broker['commit']>[0]) => {
      if (proxy.broken && unit.offsets.length > 0) throw new Error('the disk is full')
      await broker.commit(unit)
    },
  }
  return proxy
}

describe('a task', () => {
  it('whose unit cannot be committed stops, says so, skips nothing, and goes on when it can be', async () => {
    const broker = breakable(await openEmbedded({ directory: ':memory:' }))
    broker.broken = true
    const bad = operator('bad', () => (record) => fail(record, new RecordedFault('record.bad', 'bad')))
    const { pipeline, log } = await startPipeline(config('bad'), catalogWith({ operators: [bad] }), {
      broker,
      before: numbers(2),
      once: false,
    })
    await pipeline.quiet()
    expect(pipeline.troubles).toEqual(['task 0_0: the disk is full'])
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
    expect(await recordsOf(broker, 'dlq.in')).toEqual([])

    broker.broken = false
    while (pipeline.troubles.length > 0) await new Promise(setImmediate)
    await pipeline.quiet({ settled: true })
    expect(await valuesOf(broker, 'dlq.in')).toEqual([{ n: 0 }, { n: 1 }])
  })

  it('that cannot write a dead letter stops, and leaves its record in the topic', async () => {
    const real = await openEmbedded({ directory: ':memory:' })
    const commit: Broker['commit'] = async (unit) => {
      if (unit.outputs.some(({ topic }) => topic === 'dlq.in')) throw new Error('dlq.in cannot be written')
      await real.commit(unit)
    }
    const bad = operator('bad', () => (record) => fail(record, new RecordedFault('record.bad', 'bad')))
    const broker = { ...real, commit }
    const { pipeline } = await startPipeline(config('bad'), catalogWith({ operators: [bad] }), {
      broker,
      before: numbers(2),
    })
    await pipeline.quiet()
    expect(pipeline.troubles).toEqual(['task 0_0: dlq.in cannot be written'])
    expect(await broker.committed('p')).toEqual([])
    expect(await pipeline.conservation()).toMatchObject([{ read: 0, dead: 0 }])
  })

  it('stops on a fault that says halt, and its record stays in the topic', async () => {
    const halts = operator(
      'halts',
      () => (record) =>
        numberOf(record) === 1
          ? fail(record, new RecordedFault('table.gone', 'The table is gone.', 'halt'))
          : emit(record),
    )
    const { pipeline, broker } = await startPipeline(config('halts'), catalogWith({ operators: [halts] }), {
      before: numbers(3),
    })
    await pipeline.quiet()
    expect(pipeline.troubles).toEqual(['task 0_0: s.halts: The table is gone.'])
    expect(await broker.committed('p')).toEqual([])
    expect(await recordsOf(broker, 'dlq.in')).toEqual([])
  })

  it('stops on a flood of failures before it is published, and goes on when records pass again', async () => {
    let down = false
    const breaks = operator(
      'breaks',
      () => (record) => (down ? fail(record, new RecordedFault('service.odd', 'odd')) : emit(record)),
    )
    const yaml = config('breaks', { deadLetters: ', halt: { ratio: 0.5, of: 4 }' })
    const { pipeline, broker, log } = await startPipeline(yaml, catalogWith({ operators: [breaks] }), {
      before: numbers(4),
      once: false,
    })
    await pipeline.quiet({ settled: true })
    down = true
    await append(broker, numbers(10))
    while (pipeline.troubles.length === 0) await new Promise(setImmediate)
    expect(pipeline.troubles[0]).toContain('flood guard')
    expect(log.lines.at(-1)).toMatchObject({ level: 'error' })
    expect(await recordsOf(broker, 'dlq.in')).toEqual([])
    down = false
    while (pipeline.troubles.length > 0) await new Promise(setImmediate)
    await pipeline.quiet({ settled: true })
    expect(await recordsOf(broker, 'out')).toHaveLength(14)
    expect(await recordsOf(broker, 'dlq.in')).toEqual([])
  })
})
