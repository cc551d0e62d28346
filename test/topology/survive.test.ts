import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { BrokerError, type Broker } from '../../src/broker/broker.ts'
import { defineSink, type OpenSink, type Receipt } from '../../src/component/sink.ts'
import { Fault, RecordedFault } from '../../src/record/fault.ts'
import { emit, emitTo, fail, type Outcome } from '../../src/record/outcome.ts'
import { withValue, type Record } from '../../src/record/record.ts'
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

const config = ({ source = 'topic', step = 'odd', to = 'topic: out', deadLetters = '' } = {}) => `
name: p
sources: { in: { ${source}: {} } }
deadLetters: { retry: { attempts: 1, backoff: [1ms] }${deadLetters} }
streams: { s: { from: in, steps: ${step ? `[{ ${step}: {} }]` : '[]'}, to: { ${to} } } }
`
const first = ({ value }: Record): boolean => value === 1
const codes = async (broker: Broker): Promise<unknown[]> =>
  (await recordsOf(broker, 'dlq.in')).map(({ headers }) => letterHeaders(headers)['fault.code'])

const circular: { self?: unknown } = {}
circular.self = circular

describe('one bad record does not hold up the next', () => {
  const odd: readonly (readonly [string, string, (record: Record) => unknown])[] = [
    ['a value that holds a bigint', 'operator.threw', (record) => ({ ...record, value: 1n })],
    ['a value that holds itself', 'operator.threw', (record) => withValue(record, circular)],
    ['a value that is a function', 'operator.threw', (record) => withValue(record, () => 1)],
    ['a text for its key', 'record.malformed', (record) => ({ ...record, key: 'a' })],
    ['a time that is none', 'record.malformed', (record) => ({ ...record, timestamp: Number.NaN })],
    ['a time before 1970', 'record.malformed', (record) => ({ ...record, timestamp: -1 })],
    ['a text in a header', 'record.malformed', (record) => ({ ...record, headers: [['a', 'b']] })],
    ['no headers', 'record.malformed', (record) => ({ ...record, headers: undefined })],
  ]
  it.each(odd)('when an operator emits %s', async (_, code, change) => {
    const step = operator('odd', () => (record) => emit(record, first(record) ? (change(record) as Record) : record))
    const { pipeline, broker } = await startPipeline(config(), catalogWith({ operators: [step] }), {
      before: [output('in', 1), output('in', 2)],
    })
    await pipeline.quiet({ settled: true })
    expect(await valuesOf(broker, 'out')).toEqual([2])
    expect(await codes(broker)).toEqual([code])
    expect(await pipeline.conservation()).toMatchObject([{ read: 2, emitted: 1, dead: 1, inFlight: 0 }])
  })

  it('when an operator emits to a branch that nobody reads', async () => {
    const step = operator('odd', () => (record) => (first(record) ? emitTo('x', record) : emit(record)))
    const { pipeline, broker } = await startPipeline(config(), catalogWith({ operators: [step] }), {
      before: [output('in', 1), output('in', 2)],
    })
    await pipeline.quiet({ settled: true })
    expect(await codes(broker)).toEqual(['operator.unknown_branch'])
    expect(await valuesOf(broker, 'out')).toEqual([2])
  })

  it.each<[string, string, (record: Record) => Outcome]>([
    [
      'has another origin',
      'operator.lost_origin',
      (record) => emit(record, { ...record, origin: { ...record.origin } }),
    ],
    ['goes to a branch that nobody reads', 'operator.unknown_branch', (record) => emitTo('x', record)],
    ['is no record', 'operator.threw', (record) => emit(record, {} as Record)],
  ])('and keeps no state of an operator whose result %s', async (_, code, wrong) => {
    const step = operator('odd', (_, { state }) => (record) => {
      const seen = (state.get('seen') as number | undefined) ?? 0
      state.set('seen', seen + 1)
      return first(record) ? wrong(record) : emit(record, withValue(record, seen))
    })
    const { pipeline, broker } = await startPipeline(config(), catalogWith({ operators: [step] }), {
      before: [output('in', 1), output('in', 2)],
    })
    await pipeline.quiet({ settled: true })
    expect(await codes(broker)).toEqual([code])
    expect(await valuesOf(broker, 'out')).toEqual([0])
  })

  it('when an operator fails each try with another copy of it', async () => {
    const step = operator('odd', () => (record) => {
      if (!first(record)) return emit(record)
      return fail(withValue(record, record.value), new RecordedFault('service.down', 'It is down.', 'retry'))
    })
    const { pipeline, broker } = await startPipeline(config(), catalogWith({ operators: [step] }), {
      before: [output('in', 1), output('in', 2)],
    })
    await pipeline.quiet({ settled: true })
    expect(await codes(broker)).toEqual(['service.down'])
  })

  const receipts: readonly (readonly [string, (records: readonly Record[]) => unknown])[] = [
    ['nothing', () => undefined],
    ['too few receipts', (records) => records.slice(1).map(() => 'written')],
    ['receipts that are none', (records) => records.map(() => true)],
    ['plain errors', (records) => records.map(() => new Error('no'))],
  ]
  it.each(receipts)('when a sink answers with %s', async (_, answer) => {
    const store = sinkOf({ write: (records) => Promise.resolve(answer(records) as Receipt[]) })
    const { pipeline, broker } = await startPipeline(
      config({ step: '', to: 'store: {}' }),
      catalogWith({ sinks: [store] }),
      { before: [output('in', 1)] },
    )
    await pipeline.quiet({ settled: true })
    expect(await codes(broker)).toEqual(['sink.no_receipt'])
    expect(pipeline.troubles).toEqual([])
  })
})

const sinkOf = (sink: Partial<OpenSink>, opened = () => {}) =>
  defineSink({
    name: 'store',
    summary: 'Stores.',
    config: z.strictObject({}),
    faults: [],
    examples: [],
    open: () => {
      opened()
      return Promise.resolve({
        write: (records) => Promise.resolve(records.map(() => 'written' as const)),
        close: () => Promise.resolve(),
        ...sink,
      })
    },
  })

describe('a sink', () => {
  it('is opened again where the last commit left it when it stops its task', async () => {
    let opened = 0
    let down = true
    const gone = new RecordedFault('table.gone', 'The table is gone.', 'halt')
    const store = sinkOf(
      { position: () => 7, write: (records) => Promise.resolve(records.map(() => (down ? gone : 'written'))) },
      () => opened++,
    )
    const { pipeline } = await startPipeline(config({ step: '', to: 'store: {}' }), catalogWith({ sinks: [store] }), {
      before: [output('in', 1)],
      once: false,
    })
    while (pipeline.troubles.length === 0) await setImmediate()
    down = false
    await pipeline.quiet()
    while (pipeline.troubles.length > 0) await setImmediate()
    await pipeline.quiet({ settled: true })
    expect(opened).toBe(2)
  })

  it('that refuses everything is a flood, noticed before a letter is published', async () => {
    const refuses = sinkOf({
      write: (records) => Promise.resolve(records.map(() => new RecordedFault('row.bad', 'No.'))),
    })
    const { pipeline, broker } = await startPipeline(
      config({ step: '', to: 'store: {}', deadLetters: ', halt: { ratio: 0.5, of: 4 }' }),
      catalogWith({ sinks: [refuses] }),
      { before: [1, 2, 3, 4, 5].map((n) => output('in', n)) },
    )
    await pipeline.quiet({ settled: true })
    expect(pipeline.troubles[0]).toContain('flood guard')
    expect(await recordsOf(broker, 'dlq.in')).toEqual([])
  })
})

describe('a pipeline', () => {
  it('goes on reading when a poll failed, and says so until then', async () => {
    const real = await openEmbedded({ directory: ':memory:' })
    let failures = 1
    const broker: Broker = {
      ...real,
      subscribe: async (group, topics, listener) => {
        const subscription = await real.subscribe(group, topics, listener)
        return {
          ...subscription,
          poll: (options) =>
            failures-- > 0 ? Promise.reject(new Error('the disk is gone')) : subscription.poll(options),
        }
      },
    }
    const { pipeline, log } = await startPipeline(config({ step: '' }), catalogWith({}), {
      broker,
      before: [output('in', 1)],
      once: false,
    })
    while (pipeline.troubles.length === 0) await setImmediate()
    expect(pipeline.troubles).toEqual(['reading: the disk is gone'])
    while (pipeline.troubles.length > 0) await setImmediate()
    await pipeline.quiet({ settled: true })
    expect(await valuesOf(broker, 'out')).toEqual([1])
    expect(log.lines.map(({ level }) => level)).toEqual(['error'])
  })

  it('stops when it runs once and a poll fails, and says so', async () => {
    const real = await openEmbedded({ directory: ':memory:' })
    const broker: Broker = {
      ...real,
      subscribe: async (group, topics, listener) => ({
        ...(await real.subscribe(group, topics, listener)),
        poll: () => Promise.reject(new Error('the disk is gone')),
      }),
    }
    const { pipeline } = await startPipeline(config({ step: '' }), catalogWith({}), {
      broker,
      before: [output('in', 1)],
    })
    await pipeline.quiet()
    expect(pipeline.troubles).toEqual(['reading: the disk is gone'])
  })

  it('dead-letters nothing where its state cannot be read: the task starts again until it can', async () => {
    const real = await openEmbedded({ directory: ':memory:' })
    let failures = 1
    const broker: Broker = {
      ...real,
      state: async (group, task) => {
        const reader = await real.state(group, task)
        return {
          ...reader,
          get: (store, key) => {
            if (store === 's.odd' && failures-- > 0) throw new BrokerError('the disk is full')
            return reader.get(store, key)
          },
        }
      },
    }
    const counts = operator('odd', (_, { state }) => (record) => {
      const count = ((state.get('count') as number | undefined) ?? 0) + 1
      state.set('count', count)
      return emit(record, { ...record, value: count })
    })
    const first = await startPipeline(config(), catalogWith({ operators: [counts] }), {
      broker,
      before: [output('in', 'a')],
    })
    await first.pipeline.quiet({ settled: true })
    await first.pipeline.stop()
    failures = 1
    const { pipeline, log } = await startPipeline(config(), catalogWith({ operators: [counts] }), {
      broker,
      once: false,
    })
    await append(broker, [output('in', 'b')])
    while ((await valuesOf(broker, 'out')).length < 2) await setImmediate()
    expect(await valuesOf(broker, 'out')).toEqual([1, 2])
    expect(await recordsOf(broker, 'dlq.in')).toEqual([])
    expect(log.lines.map(({ message }) => message).join()).toContain('its state cannot be read: the disk is full')
    await pipeline.stop()
  })

  it('starts a task again until its operators can be built', async () => {
    let builds = 0
    const step = operator('odd', () => {
      if (++builds === 2) throw new Error('the schema is gone')
      return (record) => (builds === 1 ? fail(record, new RecordedFault('table.gone', 'Gone.', 'halt')) : emit(record))
    })
    const { pipeline, broker, log } = await startPipeline(config(), catalogWith({ operators: [step] }), {
      before: [output('in', 1)],
      once: false,
    })
    await pipeline.quiet()
    while (pipeline.troubles.length > 0) await setImmediate()
    await pipeline.quiet({ settled: true })
    expect(log.lines.map(({ message }) => message)).toEqual([
      expect.stringContaining('Gone.'),
      expect.stringContaining('the schema is gone'),
    ])
    expect(await valuesOf(broker, 'out')).toEqual([1])
  })
})

/** The broker, whose commits of read records wait until they are let through. */
function slow(broker: Broker) {
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const commit: Broker['commit'] = async (unit) => {
    if (unit.offsets.length > 0) {
      begun.resolve()
      await gate.promise
    }
    await broker.commit(unit)
  }
  return { broker: { ...broker, commit }, committing: begun.promise, release: gate.resolve }
}

describe('while a unit is being committed', () => {
  it('a call that ends is committed next, without waiting for more input', async () => {
    const answer = Promise.withResolvers<void>()
    const step = operator('odd', () => ({
      concurrency: 2,
      each: async (record) => {
        if (first(record)) await answer.promise
        return emit(record)
      },
    }))
    const { broker, committing, release } = slow(await openEmbedded({ directory: ':memory:' }))
    await startPipeline(config(), catalogWith({ operators: [step] }), {
      broker,
      before: [output('in', 1), output('in', 2)],
      once: false,
    })
    await committing
    answer.resolve()
    await setImmediate()
    release()
    while ((await recordsOf(broker, 'out')).length < 2) await setImmediate()
    expect(await valuesOf(broker, 'out')).toEqual([2, 1])
  })
})

it('an unexpected throw of the runtime itself stops the task, and nothing of the unit is committed', async () => {
  class Sly extends Fault {
    readonly disposition = 'deadLetter'
    get code(): string {
      throw new Error('no code')
    }
  }
  const step = operator('odd', () => (record) => fail(record, new Sly('x')))
  const { pipeline, broker } = await startPipeline(config(), catalogWith({ operators: [step] }), {
    before: [output('in', 1)],
  })
  await pipeline.quiet()
  expect(pipeline.troubles[0]).toContain('no code')
  expect(await broker.committed('p')).toEqual([])
})
