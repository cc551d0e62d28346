import { once } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { bufferCount, mergeMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineSink, type OpenSink } from '../../src/component/sink.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail, type Outcome } from '../../src/record/outcome.ts'
import { append, catalogWith, operator, output, recordsOf, startPipeline, valuesOf } from '../support/pipeline.ts'

const config = (steps: string, to = 'topic: out') => `
name: p
sources: { in: { topic: {} } }
deadLetters: { retry: { attempts: 0 } }
streams: { s: { from: in, steps: [${steps}], to: { ${to} } } }
`
const sinkOf = (write: OpenSink['write']) =>
  defineSink({
    name: 'store',
    summary: 'Stores.',
    config: z.strictObject({}),
    faults: [],
    examples: [],
    open: () => Promise.resolve({ write, close: () => Promise.resolve() }),
  })

/** As fetch does when its signal aborts. */
async function untilAborted(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort')
  throw signal.reason
}

describe('a pipeline that stops', () => {
  it('dead-letters nothing that an asynchronous operator gives up for it, and takes it up again', async () => {
    const given: unknown[] = []
    const asks = operator('call', (_, { signal }) => ({
      concurrency: 1,
      each: (record) => {
        given.push(record.value)
        return untilAborted(signal)
      },
    }))
    const first = await startPipeline(config('call: {}'), catalogWith({ operators: [asks] }), {
      before: [output('in', 1)],
    })
    while (given.length === 0) await setImmediate()
    await first.pipeline.stop()
    expect(await recordsOf(first.broker, 'dlq.in')).toEqual([])

    const works = operator('call', () => ({ concurrency: 1, each: (record) => Promise.resolve(emit(record)) }))
    const second = await startPipeline(config('call: {}'), catalogWith({ operators: [works] }), first)
    await second.pipeline.quiet({ settled: true })
    expect(await valuesOf(first.broker, 'out')).toEqual([1])
    expect(await second.pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, inFlight: 0 }])
  })

  it('dead-letters nothing that a sink gives up for it, and writes it once with the next start', async () => {
    const written: unknown[] = []
    let writing = false
    const gaveUp = sinkOf((_, signal) => {
      writing = true
      return untilAborted(signal)
    })
    const first = await startPipeline(config('', 'store: {}'), catalogWith({ sinks: [gaveUp] }), {
      before: [output('in', 1)],
    })
    while (!writing) await setImmediate()
    await first.pipeline.stop()
    expect(await recordsOf(first.broker, 'dlq.in')).toEqual([])

    const works = sinkOf(async (records) => {
      written.push(...records.map(({ value }) => value))
      return records.map(() => 'written')
    })
    for (let start = 0; start < 2; start++) {
      const { pipeline } = await startPipeline(config('', 'store: {}'), catalogWith({ sinks: [works] }), first)
      await pipeline.quiet({ settled: true })
      await pipeline.stop()
      expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])
    }
    expect(written).toEqual([1])
  })

  it('commits what a sink wrote on a later try while it stopped: it is not given that once more', async () => {
    const tries: unknown[][] = []
    const answer = Promise.withResolvers<void>()
    const slow = sinkOf(async (records) => {
      tries.push(records.map(({ value }) => value))
      if (tries.length === 1) return records.map(() => new RecordedFault('store.down', 'It is down.', 'retry'))
      await answer.promise
      return records.map(() => 'written')
    })
    const yaml = config('', 'store: {}').replace('attempts: 0', 'attempts: 1, backoff: [1ms]')
    const first = await startPipeline(yaml, catalogWith({ sinks: [slow] }), { before: [output('in', 1)] })
    while (tries.length < 2) await setTimeout(1)
    const stopped = first.pipeline.stop()
    for (let turn = 0; turn < 20; turn++) await setImmediate() // Its tasks are told meanwhile.
    answer.resolve()
    await stopped

    const second = await startPipeline(yaml, catalogWith({ sinks: [slow] }), first)
    await second.pipeline.quiet({ settled: true })
    expect(tries).toEqual([[1], [1]])
    expect(await second.pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, inFlight: 0 }])
  })

  it('waits for no call that never ends, however many there are', async () => {
    const never = operator('call', () => ({ concurrency: 20_000, each: () => new Promise<Outcome>(() => {}) }))
    const { pipeline, broker } = await startPipeline(config('call: {}'), catalogWith({ operators: [never] }), {
      before: Array.from({ length: 12_001 }, (_, n) => output('in', n)),
    })
    while (pipeline.inFlight < 12_000) await setImmediate()
    while ((await broker.committed('p'))[0]?.offset !== 12_000n) await setImmediate()
    await pipeline.stop()
    expect(await pipeline.conservation()).toMatchObject([{ read: 12_000, inFlight: 12_000 }])
  })

  it('lets timed operators keep what they hold, for the next start', async () => {
    const pairs = operator('pairs', () => ({
      over: (records) =>
        records.pipe(
          bufferCount(2),
          mergeMap((pair) => pair.map((record) => emit(record))),
        ),
    }))
    const catalog = catalogWith({ operators: [pairs] })
    const first = await startPipeline(config('pairs: {}'), catalog, { before: [output('in', 1)] })
    await first.pipeline.quiet()
    await first.pipeline.stop()
    expect(await recordsOf(first.broker, 'out')).toEqual([])

    await append(first.broker, [output('in', 2)])
    const second = await startPipeline(config('pairs: {}'), catalog, first)
    await second.pipeline.quiet({ settled: true })
    expect(await valuesOf(first.broker, 'out')).toEqual([1, 2])
  })

  it.each([
    ['to start a task again', 'retry: { attempts: 0 }, halt: { ratio: 0.5, of: 1 }'],
    ['to try a record again', 'retry: { attempts: 1, backoff: [1h] }'],
  ])('leaves no timer behind that was %s', async (_, deadLetters) => {
    const breaks = operator(
      'breaks',
      () => (record) => fail(record, new RecordedFault('service.down', 'It is down.', 'retry')),
    )
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const yaml = config('breaks: {}').replace('retry: { attempts: 0 }', deadLetters)
    const { pipeline } = await startPipeline(yaml, catalogWith({ operators: [breaks] }), {
      before: [output('in', 1)],
      once: false,
    })
    await pipeline.quiet()
    expect(timers()).toBe(before + 1)
    await pipeline.stop()
    expect(timers()).toBe(before)
  })
})
