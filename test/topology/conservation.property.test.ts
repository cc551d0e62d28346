import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { delay as later, map, pipe } from 'rxjs'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineOperator } from '../../src/component/operator.ts'
import { dedupe } from '../../src/operators/dedupe.ts'
import { filter } from '../../src/operators/filter.ts'
import { map as mapOperator } from '../../src/operators/map.ts'
import { split } from '../../src/operators/split.ts'
import { throttle } from '../../src/operators/throttle.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { drop, emit, fail, type Outcome } from '../../src/record/outcome.ts'
import { nth, withValue, type Header, type Record } from '../../src/record/record.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { VirtualClock } from '../../src/testing/clock.ts'
import { findBrokenLaws } from '../../src/testing/law.ts'
import { asInput, readLetter } from '../../src/testing/letter.ts'
import { silentLog } from '../../src/testing/operatorContext.ts'
import { outletsOf } from '../../src/testing/outlet.ts'
import { stubPlan } from '../../src/testing/stub.ts'
import { Watch } from '../../src/testing/watch.ts'
import { allQuiet } from '../../src/topology/allQuiet.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { planRetry } from '../../src/topology/retryTopic.ts'
import { runTopology, type Captured, type Driven } from '../../src/testing/index.ts'
import { append, catalogWith } from '../support/pipeline.ts'

/** The header that says which source record a record, or a letter, descends from. */
const idOf = (headers: readonly Header[]): string => String(headers.find(([name]) => name === 'id')?.[1])

/** What an unreliable operator does with a record: always the same for the same record at the same place. */
function chance(place: string, { headers, index }: Record): number {
  let hash = 7
  for (const character of `${place}/${idOf(headers)}/${index}`) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003
  return hash % 100
}

/** Emits, emits two, drops, fails, throws, fails for a while, or fails for ever. */
function unreliable(name: string): (record: Record) => Outcome {
  const tries = new Map<string, number>()
  return (record) => {
    const what = chance(name, record)
    if (what < 40) return emit(record)
    if (what < 50) return emit(record, nth(record, 0, record.value), nth(record, 1, record.value))
    if (what < 60) return drop(record, 'of no use')
    if (what < 70) return fail(record, new RecordedFault('record.useless', 'It is of no use.'))
    if (what < 75) throw new TypeError('a bug')
    const id = `${idOf(record.headers)}/${record.index}`
    tries.set(id, (tries.get(id) ?? 0) + 1)
    if (what < 95 && tries.get(id)! > what % 4) return emit(record, withValue(record, record.value))
    return fail(record, new RecordedFault('service.down', 'It does not answer.', 'retry'))
  }
}

const plain = z.strictObject({})
const shared = { summary: 'For this test.', faults: [], examples: [] }
const catalog = catalogWith({
  operators: [
    filter,
    mapOperator,
    split,
    dedupe,
    throttle,
    defineOperator({ ...shared, name: 'shaky', config: plain, build: (_, { name }) => unreliable(name) }),
    defineOperator({
      ...shared,
      name: 'shakyCall',
      config: z.strictObject({ concurrency: z.int() }),
      build({ concurrency }, { name }) {
        const apply = unreliable(name)
        const each = async (record: Record) => {
          for (let turn = chance(name, record) % 3; turn > 0; turn--) await setImmediate()
          return apply(record)
        }
        return { each, concurrency }
      },
    }),
    defineOperator({
      ...shared,
      name: 'shakyDelay',
      config: z.strictObject({ for: z.int() }),
      build({ for: time }, { name, scheduler }) {
        const apply = unreliable(name)
        const attempt = (record: Record) => {
          try {
            return apply(record)
          } catch (thrown) {
            return fail(record, new RecordedFault('record.useless', String(thrown)))
          }
        }
        return { over: pipe(later(time, scheduler), map(attempt)) }
      },
    }),
  ] as never,
})

const step = fc.oneof(
  fc.constant({ filter: 'record.n > 2' }),
  fc.constant({ map: { n: 'record.n', items: 'record.items' } }),
  fc.constant({ split: 'record.items' }),
  fc.constant({ dedupe: { by: 'record.n', within: '20ms' } }),
  fc.constant({ throttle: { limit: 2, per: '10ms' } }),
  fc.constant({ shaky: {} }),
  fc.integer({ min: 1, max: 4 }).map((concurrency) => ({ shakyCall: { concurrency } })),
  fc.integer({ min: 0, max: 30 }).map((time) => ({ shakyDelay: { for: time } })),
)

/** Where records wait for their next try, and where they go on. */
const ladder = fc.constantFrom(
  {},
  { topic: '{source}.retry' },
  { reenter: 'source' },
  { topic: '{source}.retry', reenter: 'source' },
)

interface Topology {
  readonly sources: readonly string[]
  readonly ladder: object
  readonly streams: { readonly [name: string]: { readonly from: readonly string[]; readonly steps: readonly object[] } }
}

/** Streams that read sources and the streams before them; each writes a topic of its own. */
const topology: fc.Arbitrary<Topology> = fc
  .record({
    sources: fc.constantFrom(['a'], ['a', 'b']),
    ladder,
    streams: fc.array(
      fc.record({ from: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), steps: fc.array(step, { maxLength: 3 }) }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ sources, ladder, streams }) => {
    const named = streams.map(({ from, steps }, at) => {
      const known = [...sources, ...streams.slice(0, at).map((_, before) => `s${before}`)]
      return { from: [...new Set(from.map((choice) => known[choice % known.length]!))], steps }
    })
    const unread = sources.filter((source) => !named.some(({ from }) => from.includes(source)))
    named[0]!.from.push(...unread)
    return { sources, ladder, streams: Object.fromEntries(named.map((stream, at) => [`s${at}`, stream])) }
  })

const value = fc.oneof(
  { weight: 6, arbitrary: fc.record({ n: fc.nat(5), items: fc.array(fc.record({ n: fc.nat(5) }), { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom(7, 'text', [], {}) },
)
const given = fc.record({
  source: fc.nat(1),
  gap: fc.constantFrom('', '', '-', ' 7ms ', ' 2s '),
  key: fc.constantFrom(null, 'k', 'l'),
  content: fc.oneof(
    { weight: 5, arbitrary: value.map((of) => ({ $value: of })) },
    { weight: 1, arbitrary: fc.constantFrom({ $raw: '{"n":' }, { $raw: '' }) },
  ),
})
type Given = typeof given extends fc.Arbitrary<infer G> ? G : never

const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ']

function configOf({ sources, streams, ladder }: Topology): string {
  const config = {
    name: 'p',
    deadLetters: { retry: { attempts: 2, backoff: ['3ms', '50ms'], ...ladder } },
    sources: Object.fromEntries(sources.map((name) => [name, { topic: {} }])),
    streams: Object.fromEntries(
      Object.entries(streams).map(([name, stream]) => [name, { ...stream, to: { topic: `out.${name}` } }]),
    ),
  }
  return `${JSON.stringify(config)}\n`
}

async function run(shape: Topology, records: readonly Given[]): Promise<Driven> {
  const { sources } = shape
  const values: { [letter: string]: unknown } = {}
  const marbles = Object.fromEntries(sources.map((name) => [name, '']))
  records.forEach(({ source, gap, key, content }, at) => {
    const letter = letters[at]!
    values[letter] = { ...content, $key: key, $headers: { id: letter } }
    for (const [index, name] of sources.entries()) {
      marbles[name] += gap + (source % sources.length === index ? letter : '-')
    }
  })
  const ended = Object.fromEntries(Object.entries(marbles).map(([name, line]) => [name, `${line}|`]))
  return runTopology(configOf(shape), { given: ended, values }, { catalog })
}

/** Runs it on virtual time, and stops and starts it again after so many steps of the clock, whatever it is doing then. */
async function runWithStops(shape: Topology, records: readonly Given[], stops: readonly number[]) {
  const clock = new VirtualClock(0)
  const broker = await openEmbedded({ directory: ':memory:', now: () => clock.now() })
  const plan = stubPlan(resolvePlan(parseConfig(configOf(shape), 'p.yaml', catalog, {}), catalog), () => {})
  await broker.ensureTopics(plan.topics)
  await append(
    broker,
    records.map(({ source, content, key }, at) => {
      const letter = readLetter({ ...content, $key: key, $headers: { id: letters[at]! } })
      return asInput(letter, shape.sources[source % shape.sources.length]!, 'json', 0)
    }),
  )
  const watch = new Watch(outletsOf(plan), plan, broker)
  for (const steps of [...stops, Infinity]) {
    const plans = [plan, planRetry(plan)].filter((each) => each !== undefined)
    const running = plans.map(
      (each) => new Pipeline({ plan: each, broker, scheduler: clock, log: silentLog, once: false }),
    )
    for (const pipeline of running) await pipeline.start()
    if (steps === Infinity) await allQuiet(running)
    for (let step = 0; step < steps && clock.next !== undefined; step++) {
      clock.step()
      if (steps === Infinity || step % 2 === 0) await allQuiet(running)
    }
    await watch.look(clock.frame)
    const broken = steps === Infinity ? await findBrokenLaws(running, broker, watch.captured) : []
    const conservation = await running[0]!.conservation()
    await stop(running, clock)
    if (steps === Infinity) return { captured: watch.captured, broken, conservation }
  }
  throw new Error('unreachable')
}

/** A unit in work may wait a moment of virtual time for calls before it commits. */
async function stop(running: readonly Pipeline[], clock: VirtualClock): Promise<void> {
  let stopped = false
  const stopping = Promise.all(running.map((pipeline) => pipeline.stop())).then(() => (stopped = true))
  for (let turn = 0; !stopped && turn < 1_000; turn++) {
    await setImmediate()
    if (turn % 20 === 19) clock.step()
  }
  await stopping
}

const isPoison = ({ content }: Given): boolean => '$raw' in content

/** What the ledger must say, told from what went in and came out alone. */
function expectedRows(
  { sources, streams }: Topology,
  records: readonly Given[],
  { captured }: Pick<Driven, 'captured'>,
) {
  const idsIn = (found: readonly Captured[]) => new Set(found.map(({ headers }) => idOf(headers)))
  const out = (stream: string) => idsIn(captured.get(`out.${stream}`) ?? [])
  return sources.flatMap((source, index) => {
    const own = new Map(
      records.flatMap((record, at) =>
        record.source % sources.length === index ? [[letters[at]!, record] as const] : [],
      ),
    )
    const deadLetters = captured.get(`dlq.${source}`) ?? []
    return Object.entries(streams).flatMap(([stream, { from }]) => {
      const entered = new Set(
        from.flatMap((origin) =>
          origin === source ? [...own.keys()] : sources.includes(origin) ? [] : [...out(origin)],
        ),
      )
      const read = [...entered].filter((id) => own.has(id))
      const lost = idsIn(deadLetters.filter(({ failure }) => failure!.operator.startsWith(`${stream}.`)))
      const dead = read.filter((id) => lost.has(id) || (from.includes(source) && isPoison(own.get(id)!)))
      const emitted = read.filter((id) => out(stream).has(id) && !dead.includes(id))
      const dropped = read.length - dead.length - emitted.length
      if (read.length === 0 && !from.includes(source)) return []
      return [{ source, stream, read: read.length, emitted: emitted.length, dropped, dead: dead.length, inFlight: 0 }]
    })
  })
}

const bySourceAndStream = (a: { source: string; stream: string }, b: { source: string; stream: string }) =>
  `${a.source} ${a.stream}` < `${b.source} ${b.stream}` ? -1 : 1

it('every record of random topologies is conserved, and the dead have their letters', async () => {
  await fc.assert(
    fc.asyncProperty(topology, fc.array(given, { maxLength: 12 }), async (shape, records) => {
      const driven = await run(shape, records)
      expect(driven.broken).toEqual([])
      expect(driven.conservation.toSorted(bySourceAndStream)).toEqual(
        expectedRows(shape, records, driven).toSorted(bySourceAndStream),
      )
    }),
    { numRuns: 60 },
  )
})

it('they are when the pipeline is stopped and started again in between', async () => {
  const stops = fc.array(fc.nat(6), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(
      topology,
      fc.array(given, { minLength: 1, maxLength: 12 }),
      stops,
      async (shape, records, steps) => {
        const { captured, broken, conservation } = await runWithStops(shape, records, steps)
        expect(broken).toEqual([])
        expect(conservation.toSorted(bySourceAndStream)).toEqual(
          expectedRows(shape, records, { captured }).toSorted(bySourceAndStream),
        )
      },
    ),
    { numRuns: 60 },
  )
})

const failuresOf = ({ captured }: Driven) => [...captured.values()].flat().flatMap(({ failure }) => failure ?? [])

it('a replay writes the same letters under the same ids', async () => {
  await fc.assert(
    fc.asyncProperty(topology, fc.array(given, { maxLength: 12 }), async (shape, records) => {
      const [first, again] = [failuresOf(await run(shape, records)), failuresOf(await run(shape, records))]
      expect(again.map(({ id }) => id).toSorted()).toEqual(first.map(({ id }) => id).toSorted())
      expect(new Set(first.map(({ id }) => id)).size).toBe(first.length)
    }),
    { numRuns: 20 },
  )
})
