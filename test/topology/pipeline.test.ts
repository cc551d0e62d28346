import { asyncScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { RecordedFault } from '../../src/record/fault.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { nth, withValue, type Record } from '../../src/record/record.ts'
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

const does = ({ value }: Record): string => (value as { do?: string } | null)?.do ?? 'emit'

/** Does what the record's value says. */
const obey = operator('obey', (_, { state }) => (record) => {
  switch (does(record)) {
    case 'drop':
      return drop(record, 'told to')
    case 'throw':
      state.set('seen', record.value)
      throw new TypeError('no such thing')
    case 'fail':
      return fail(record, new RecordedFault('record.bad', 'It is bad.'))
    case 'halt':
      return fail(record, new RecordedFault('table.gone', 'The table is gone.', 'halt'))
    case 'remember':
      state.set('seen', record.value)
      return emit(record)
    case 'recall':
      return emit(record, withValue(record, { seen: state.get('seen') ?? null }))
    case 'many':
      return emit(record, ...['emit', 'fail', 'drop', 'fail'].map((what, n) => nth(record, n, { do: what, n })))
    case 'stray':
      return emit(record, { ...record, origin: { ...record.origin } })
    default:
      return emit(record)
  }
})

const config = (rest = '', source = 'topic: {}') => `
name: p
sources: { in: { ${source} } }
deadLetters: { retry: { attempts: 2, backoff: [5ms, 10ms] } }
${rest || 'streams: { s: { from: in, steps: [{ obey: {} }], to: { topic: out } } }'}
`
const catalog = catalogWith({ operators: [obey] })

describe('a pipeline', () => {
  it('brings every record to exactly one outcome and counts it', async () => {
    const values = [{ do: 'emit' }, { do: 'drop' }, { do: 'throw' }, { do: 'fail' }, null]
    const { pipeline, broker } = await startPipeline(config(), catalog, {
      before: values.map((value) => output('in', value)),
    })
    await pipeline.quiet({ settled: true })

    expect(await valuesOf(broker, 'out')).toEqual([{ do: 'emit' }, null])
    expect((await recordsOf(broker, 'dlq.in')).map(({ headers }) => letterHeaders(headers)['fault.code'])).toEqual([
      'operator.threw',
      'record.bad',
    ])
    expect(await pipeline.conservation()).toEqual([
      { source: 'in', stream: 's', read: 5, emitted: 2, dropped: 1, dead: 2, inFlight: 0 },
    ])
  })

  it('keeps the source record byte for byte in its dead letter', async () => {
    const headers = [
      ['b', Buffer.from([0xff, 0])],
      ['a', null],
      ['b', Buffer.from('')],
    ] as const
    const bytes = Buffer.from('{ "do" : "fail", "n": 1.0 }')
    const { pipeline, broker } = await startPipeline(config(), catalog, {
      before: [output('in', bytes, { key: Buffer.from([1, 0xfe]), headers, timestamp: 1234 })],
    })
    await pipeline.quiet({ settled: true })

    const [letter] = await recordsOf(broker, 'dlq.in')
    expect(letter!.value).toEqual(bytes)
    expect(letter!.key).toEqual(Buffer.from([1, 0xfe]))
    expect(letter!.headers.slice(0, 3)).toEqual(headers)
    expect(letter!.timestamp).toBeGreaterThan(Date.UTC(2026, 0, 1))
    expect(letterHeaders(letter!.headers)).toMatchObject({
      pipeline: 'p',
      source: 'in',
      operator: 's.obey',
      'fault.code': 'record.bad',
      'fault.message': 'It is bad.',
      attempts: '1',
      hops: '0',
      'origin.topic': 'in',
      'origin.partition': '0',
      'origin.offset': '0',
      'origin.timestamp': new Date(1234).toISOString(),
    })
  })

  it('dead-letters what it cannot decode, and goes on', async () => {
    const { pipeline, broker } = await startPipeline(config(), catalog, {
      before: [output('in', Buffer.from('not json')), output('in', Buffer.from('')), output('in', { ok: true })],
    })
    await pipeline.quiet({ settled: true })

    expect(await valuesOf(broker, 'out')).toEqual([{ ok: true }])
    const letters = await recordsOf(broker, 'dlq.in')
    expect(letters.map(({ value }) => value?.toString())).toEqual(['not json', ''])
    expect(letters.map(({ headers }) => letterHeaders(headers)['fault.code'])).toEqual([
      'value.unreadable',
      'value.unreadable',
    ])
    expect(letterHeaders(letters[0]!.headers)['operator']).toBe('in.read')
  })

  it('writes a value that no step changed as it came', async () => {
    const values = ['{"id":12345678901234567890,"x":1.0}', 'null', '{ "e": 1e999 }'].map((text) => Buffer.from(text))
    const { pipeline, broker } = await startPipeline(config(), catalog, {
      before: values.map((value) => output('in', value)),
    })
    await pipeline.quiet({ settled: true })
    expect((await recordsOf(broker, 'out')).map(({ value }) => value)).toEqual(values)
  })

  it('counts a record of many parts once, and gives each dead part its own letter', async () => {
    const two = `
streams:
  first: { from: in, steps: [{ obey: {} }], to: { topic: a } }
  second: { from: first, steps: [{ obey: {} }], to: { topic: b } }`
    const { pipeline, broker } = await startPipeline(config(two), catalog, { before: [output('in', { do: 'many' })] })
    await pipeline.quiet({ settled: true })

    const letters = (await recordsOf(broker, 'dlq.in')).map(({ headers }) => letterHeaders(headers))
    expect(letters.map(({ operator, index }) => [operator, index])).toEqual([
      ['second.obey', '.1'],
      ['second.obey', '.3'],
    ])
    expect(new Set(letters.map(({ id }) => id)).size).toBe(2)
    expect(JSON.parse(letters[0]!['input']!)).toEqual({ do: 'fail', n: 1 })
    expect(await pipeline.conservation()).toEqual([
      { source: 'in', stream: 'first', read: 1, emitted: 1, dropped: 0, dead: 0, inFlight: 0 },
      { source: 'in', stream: 'second', read: 1, emitted: 0, dropped: 0, dead: 1, inFlight: 0 },
    ])
  })

  it('undoes the state changes of a call that fails, and keeps those of one that does not', async () => {
    const { pipeline, broker } = await startPipeline(config(), catalog, {
      before: [{ do: 'remember', n: 1 }, { do: 'throw', n: 2 }, { do: 'recall' }].map((value) => output('in', value)),
    })
    await pipeline.quiet({ settled: true })
    expect((await valuesOf(broker, 'out')).at(-1)).toEqual({ seen: { do: 'remember', n: 1 } })

    await pipeline.stop()
    await append(broker, [output('in', { do: 'recall' })])
    const again = await startPipeline(config(), catalog, { broker })
    await again.pipeline.quiet({ settled: true })
    expect((await valuesOf(broker, 'out')).at(-1)).toEqual({ seen: { do: 'remember', n: 1 } })
  })

  it('fails a record whose operator loses its origin', async () => {
    const { pipeline, broker } = await startPipeline(config(), catalog, { before: [output('in', { do: 'stray' })] })
    await pipeline.quiet({ settled: true })
    const [letter] = await recordsOf(broker, 'dlq.in')
    expect(letterHeaders(letter!.headers)['fault.code']).toBe('operator.lost_origin')
  })
})

describe('a fault that may pass', () => {
  const flaky = (failures: number) => {
    let left = failures
    return operator(
      'try',
      () => (record) =>
        does(record) === 'flaky' && left-- > 0
          ? fail(record, new RecordedFault('service.down', 'It is down.', 'retry'))
          : emit(record),
    )
  }
  const stream = 'streams: { s: { from: in, steps: [{ try: {} }], to: { topic: out } } }'

  it('is tried again while other records go on', async () => {
    const { pipeline, broker } = await startPipeline(config(stream), catalogWith({ operators: [flaky(2)] }), {
      before: [output('in', { do: 'flaky' }), output('in', { n: 2 })],
    })
    await pipeline.quiet({ settled: true })
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 2 }, { do: 'flaky' }])
    expect(await recordsOf(broker, 'dlq.in')).toEqual([])
  })

  it('is a dead letter after its last attempt', async () => {
    const { pipeline, broker } = await startPipeline(config(stream), catalogWith({ operators: [flaky(3)] }), {
      before: [output('in', { do: 'flaky' })],
    })
    await pipeline.quiet({ settled: true })
    const headers = letterHeaders((await recordsOf(broker, 'dlq.in'))[0]!.headers)
    expect(headers).toMatchObject({ 'fault.code': 'service.down', attempts: '3' })
    expect(Date.parse(headers['failed-at']!) - Date.parse(headers['first-failed-at']!)).toBeGreaterThanOrEqual(15)
  })

  it('is neither lost nor buried when the pipeline stops during the back-off, and goes on from its attempt', async () => {
    const yaml = config(stream).replace('[5ms, 10ms]', '[5ms, 1h]')
    const first = await startPipeline(yaml, catalogWith({ operators: [flaky(99)] }), {
      before: [output('in', { do: 'flaky' })],
    })
    await first.pipeline.quiet()
    while (first.pipeline.meter.node('s.try').retried < 2) await new Promise(setImmediate)
    await first.pipeline.quiet()
    await first.pipeline.stop()
    expect(await recordsOf(first.broker, 'dlq.in')).toEqual([])
    expect(await first.pipeline.conservation()).toEqual([
      { source: 'in', stream: 's', read: 1, emitted: 0, dropped: 0, dead: 0, inFlight: 1 },
    ])

    let now = Date.now()
    now += 3_600_001
    const later = { now: () => now, schedule: asyncScheduler.schedule.bind(asyncScheduler) } as typeof asyncScheduler
    const second = await startPipeline(yaml, catalogWith({ operators: [flaky(99)] }), {
      broker: first.broker,
      scheduler: later,
    })
    await second.pipeline.quiet({ settled: true })
    expect(letterHeaders((await recordsOf(first.broker, 'dlq.in'))[0]!.headers)['attempts']).toBe('3')
    expect(await second.pipeline.conservation()).toEqual([
      { source: 'in', stream: 's', read: 1, emitted: 0, dropped: 0, dead: 1, inFlight: 0 },
    ])
  })
})
