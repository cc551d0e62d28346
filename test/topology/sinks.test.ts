import { firstValueFrom, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineSink, type OpenSink } from '../../src/component/sink.ts'
import { SinkUnavailableFault } from '../../src/record/fault.ts'
import type { Record } from '../../src/record/record.ts'
import { append, catalogWith, letterHeaders, output, recordsOf, startPipeline } from '../support/pipeline.ts'

const config = (step: string, { to = 'topic: out', deadLetters = '' } = {}) => `
name: p
sources: { in: { topic: {} } }
deadLetters: { retry: { attempts: 2, backoff: [5ms] }${deadLetters} }
streams: { s: { from: in, steps: ${step ? `[{ ${step}: {} }]` : '[]'}, to: { ${to} } } }
`
const numbers = (count: number, more: (n: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, n) => output('in', { n, ...more(n) }, { key: Buffer.from(`k${n % 3}`) }))
const numberOf = ({ value }: Record): number => (value as { n: number }).n

describe('sinks', () => {
  const sinkOf = (open: () => OpenSink) =>
    defineSink({
      name: 'store',
      summary: 'Stores.',
      config: z.strictObject({}),
      faults: [SinkUnavailableFault],
      examples: [],
      open: async () => open(),
    })

  it('retry what failed, record by record, and dead-letter what stays so', async () => {
    const stored: number[] = []
    const tries = new Map<number, number>()
    const store = sinkOf(() => ({
      close: async () => {},
      write: async (records) =>
        records.map((record) => {
          const n = numberOf(record)
          tries.set(n, (tries.get(n) ?? 0) + 1)
          if (n === 1 || (n === 2 && tries.get(n) === 1)) return new SinkUnavailableFault('busy')
          stored.push(n)
          return 'written'
        }),
    }))
    const { pipeline, broker } = await startPipeline(config('', { to: 'store: {}' }), catalogWith({ sinks: [store] }), {
      before: numbers(4),
    })
    await pipeline.quiet({ settled: true })
    expect(stored).toEqual([0, 3, 2])
    expect(letterHeaders((await recordsOf(broker, 'dlq.in'))[0]!.headers)).toMatchObject({
      operator: 's.to.store',
      'fault.code': 'sink.unavailable',
      attempts: '3',
    })
    expect(await pipeline.conservation()).toMatchObject([{ read: 4, emitted: 3, dead: 1, inFlight: 0 }])
  })

  it('slow the source down: while a write is under way, nothing more of the partition is read', async () => {
    const writing = new Subject<number>()
    const released = new Subject<void>()
    const store = sinkOf(() => ({
      close: async () => {},
      write: async (records) => {
        const go = firstValueFrom(released)
        writing.next(records.length)
        await go
        return records.map(() => 'written')
      },
    }))
    const begun = firstValueFrom(writing)
    const { pipeline, broker } = await startPipeline(config('', { to: 'store: {}' }), catalogWith({ sinks: [store] }), {
      before: numbers(2),
      once: false,
    })
    await begun
    await append(broker, numbers(5))
    expect(pipeline.meter.node('s.to.store').received).toBe(2)
    const next = firstValueFrom(writing)
    released.next()
    expect(await next).toBe(5)
    released.next()
    await pipeline.quiet({ settled: true })
    expect(await pipeline.conservation()).toMatchObject([{ read: 7, emitted: 7 }])
  })
})
