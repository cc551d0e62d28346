import { describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { absorb, emit, fail } from '../../src/record/outcome.ts'
import type { Origin } from '../../src/record/record.ts'
import { VirtualClock } from '../../src/testing/clock.ts'
import type { Pipeline } from '../../src/topology/pipeline.ts'
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

interface Kept {
  readonly sum: number
  readonly since: number
  readonly origin: Origin
}

/** Adds up numbers, and lets go of the sum ten seconds after the first of them. */
const pile = operator('pile', (_, { state, scheduler }) => {
  const kept = () => state.get('kept') as Kept | undefined
  return {
    take(record) {
      const { source, topic, partition, offset, timestamp } = record.origin
      const { sum = 0, since = scheduler.now() } = kept() ?? {}
      const origin = { source, topic, partition, offset, timestamp }
      state.set('kept', { sum: sum + (record.value as number), since, origin })
      return absorb(record)
    },
    due: () => kept() && kept()!.since + 10_000,
    tick() {
      const { sum, origin } = kept()!
      state.delete('kept')
      return [{ key: null, value: sum, headers: [], timestamp: 7, origin, index: '@10' }]
    },
  }
})
let tries = 0
const check = operator('check', () => (record) => {
  const code = record.value === 13 ? 'sum.unlucky' : record.value === 12 && tries++ === 0 ? 'sum.busy' : undefined
  return code === undefined
    ? emit(record)
    : fail(record, new RecordedFault(code, 'No.', code === 'sum.busy' ? 'retry' : 'deadLetter'))
})
/** Lets go of all that it has ten seconds after the first came: each under the same index, with an origin of its own. */
const heap = operator('heap', (_, { state, scheduler }) => ({
  take(record) {
    const { source, topic, partition, offset, timestamp } = record.origin
    const origin = { source, topic, partition, offset: String(offset), timestamp }
    state.set(String(offset), { since: scheduler.now(), value: record.value, origin })
    return absorb(record)
  },
  due: () => [...state.entries()].map(([, kept]) => (kept as Heaped).since + 10_000)[0],
  tick: () =>
    [...state.entries()].map(([key, kept]) => {
      const { value, origin } = kept as Heaped
      state.delete(key)
      const from = { ...origin, offset: BigInt(origin.offset) }
      return { key: null, value, headers: [], timestamp: 7, origin: from, index: '@10' }
    }),
}))
interface Heaped {
  readonly since: number
  readonly value: unknown
  readonly origin: Omit<Origin, 'offset'> & { readonly offset: string }
}
let isDown = true
const service = operator(
  'service',
  () => (record) => (isDown ? fail(record, new RecordedFault('service.down', 'It is down.', 'retry')) : emit(record)),
)
const catalog = catalogWith({ operators: [pile, check, heap, service] })
const yaml = `
name: p
sources: { in: { topic: {} } }
deadLetters: { retry: { attempts: 1, backoff: [1s] } }
streams: { sums: { from: in, steps: [{ pile: {} }, { check: {} }], to: { topic: out } } }
`

/** Starts it at a time, and moves on to another one. */
async function open(at: number, broker?: Broker, config = yaml) {
  const scheduler = new VirtualClock(at)
  const started = await startPipeline(config, catalog, { scheduler, ...(broker && { broker }) })
  const until = async (frame: number) => {
    await started.pipeline.quiet()
    while (scheduler.next !== undefined && scheduler.next <= frame - at) {
      scheduler.step()
      await started.pipeline.quiet()
    }
  }
  return { ...started, until }
}

const ledger = async (pipeline: Pipeline) => (await pipeline.conservation())[0]

describe('an operator by the clock', () => {
  it('lets results go without a record, each record counted once', async () => {
    const { pipeline, broker, until } = await open(0)
    await append(broker, [output('in', 3), output('in', 4)])
    await until(9_999)
    expect(await valuesOf(broker, 'out')).toEqual([])
    await until(10_000)
    expect(await valuesOf(broker, 'out')).toEqual([7])
    expect(await ledger(pipeline)).toMatchObject({ read: 2, emitted: 2, inFlight: 0 })
  })

  it('goes on after a restart', async () => {
    const first = await open(0)
    await append(first.broker, [output('in', 3)])
    await first.until(5_000)
    await first.pipeline.stop()
    const second = await open(8_000, first.broker)
    await second.until(10_000)
    expect(await valuesOf(first.broker, 'out')).toEqual([3])
  })

  it('dead-letters a result that fails, under a record that it was made of', async () => {
    const { pipeline, broker, until } = await open(0)
    await append(broker, [output('in', 6), output('in', 7)])
    await until(10_000)
    const [letter] = await recordsOf(broker, 'dlq.in')
    expect(letter).toMatchObject({ value: Buffer.from('13') })
    expect(letterHeaders(letter!.headers)).toMatchObject({
      operator: 'sums.check',
      source: 'in',
      'fault.code': 'sum.unlucky',
      'origin.topic': 'in',
      'origin.offset': '1',
      index: '@10',
    })
    expect(await pipeline.conservation()).toMatchObject([
      { source: 'in', read: 2, emitted: 2, dead: 0, inFlight: 0 },
      { source: 'sums.pile', read: 1, emitted: 0, dead: 1, inFlight: 0 },
    ])
  })

  it('tries a result again, also after a restart', async () => {
    tries = 0
    const first = await open(0)
    await append(first.broker, [output('in', 12)])
    await first.until(10_500)
    expect([await valuesOf(first.broker, 'out'), first.pipeline.inFlight]).toEqual([[], 1])
    await first.pipeline.stop()
    const second = await open(10_600, first.broker)
    await second.until(11_000)
    expect([await valuesOf(first.broker, 'out'), second.pipeline.inFlight]).toEqual([[12], 0])
  })

  it('keeps apart what it lets go at the same moment, over a restart too', async () => {
    isDown = true
    const config = yaml
      .replace('pile: {}', 'heap: {}')
      .replace('check: {}', 'service: {}')
      .replace('attempts: 1', 'attempts: 9')
    const first = await open(0, undefined, config)
    await append(first.broker, [output('in', 'a'), output('in', 'b'), output('in', 'c')])
    await first.until(10_500)
    expect(first.pipeline.inFlight).toBe(3)
    await first.pipeline.stop()
    isDown = false
    const second = await open(10_600, first.broker, config)
    await second.until(13_000)
    expect(await valuesOf(first.broker, 'out')).toEqual(['a', 'b', 'c'])
    expect(second.pipeline.inFlight).toBe(0)
    expect(second.log.lines.filter(({ level }) => level === 'warn')).toEqual([])
  })
})
