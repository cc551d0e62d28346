import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { Batch, Broker } from '../../src/broker/broker.ts'
import { join } from '../../src/operators/join.ts'
import { keyBy } from '../../src/operators/keyBy.ts'
import { table } from '../../src/sinks/table.ts'
import { append, catalogWith, output, recordsOf, startPipeline } from '../support/pipeline.ts'

const catalog = catalogWith({ operators: [join, keyBy], sinks: [table] })
const config = (steps: string) => `
name: p
sources: { a: { topic: {} }, b: { topic: {} } }
deadLetters: { retry: { attempts: 0 } }
streams:
  others: { from: b, steps: [${steps}], to: { table: rows } }
  met:
    from: a
    steps: [{ join: { stream: others, within: 5ms, grace: 4ms, type: left, late: drop, as: other } }]
    to: { topic: met }
  listed: { from: a, steps: [{ join: { table: rows, type: left, as: row } }], to: { topic: listed } }
`
const ways = { 'as they are': config(''), 'by a new key on one side': config('{ keyBy: record.key }') }

interface Event {
  readonly key: 'k' | 'l'
  readonly timestamp: number
}

/** The events of a topic: mostly in the order of time, as topics are. */
const events = fc
  .array(fc.record({ key: fc.constantFrom('k' as const, 'l' as const), step: fc.integer({ min: -3, max: 8 }) }), {
    maxLength: 8,
  })
  .map((steps) => {
    let timestamp = 1_000
    return steps.map(({ key, step }): Event => ({ key, timestamp: (timestamp += step) }))
  })

const outputs = (topic: string, all: readonly Event[]) =>
  all.map(({ key, timestamp }, n) => output(topic, { n, key }, { key: Buffer.from(key), timestamp }))

/** Those of both topics as they come live: that of the next two whose time is first. */
function live(a: readonly Event[], b: readonly Event[]) {
  const [left, right] = [outputs('a', a), outputs('b', b)]
  const all = []
  while (left.length + right.length > 0) {
    const isLeft = right.length === 0 || (left.length > 0 && left[0]!.timestamp <= right[0]!.timestamp)
    all.push((isLeft ? left : right).shift()!)
  }
  return all
}

/** Hands batches out few records at a time, one topic before the other, as `draws` say; calls `turn` before each. */
function shuffled(broker: Broker, draws: readonly number[], turn: () => void = () => {}): Broker {
  let drawn = 0
  const draw = (below: number) => (draws[drawn++ % draws.length] ?? 0) % below
  return {
    ...broker,
    async subscribe(...args) {
      const subscription = await broker.subscribe(...args)
      const kept: Batch[] = []
      return {
        ...subscription,
        async poll({ signal }) {
          turn()
          if (kept.length === 0) kept.push(...(await subscription.poll({ maxRecords: 1 + draw(6), signal })))
          if (draw(2) === 0) await setImmediate()
          return kept.splice(draw(kept.length), 1)
        },
      }
    },
  }
}

async function resultsOf(broker: Broker) {
  const all = await Promise.all(['met', 'listed', 'dlq.a', 'dlq.b'].map((topic) => recordsOf(broker, topic)))
  return all.map((records) => records.map(({ value, timestamp, key }) => [String(key), timestamp, String(value)]))
}

async function resultsLive(yaml: string, a: readonly Event[], b: readonly Event[]) {
  const { pipeline, broker } = await startPipeline(yaml, catalog)
  for (const each of live(a, b)) {
    await append(broker, [each])
    await pipeline.quiet()
  }
  await pipeline.stop()
  return resultsOf(broker)
}

describe.each(Object.entries(ways))('joins of records %s', (_, yaml) => {
  const draws = fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 20 })

  it('give the same of a backlog as live, whatever is handed out first, and however it is stopped', async () => {
    await fc.assert(
      fc.asyncProperty(events, events, draws, fc.array(fc.integer({ min: 1, max: 12 })), async (a, b, drawn, stops) => {
        const expected = await resultsLive(yaml, a, b)
        const broker = await openEmbedded({ directory: ':memory:' })
        await append(broker, [...outputs('b', b), ...outputs('a', a)])
        for (const polls of [...stops, Infinity]) {
          let left = polls
          const stopping = Promise.withResolvers<void>()
          const handing = shuffled(broker, drawn, () => {
            if (--left === 0) stopping.resolve()
          })
          const { pipeline } = await startPipeline(yaml, catalog, { broker: handing })
          await Promise.race([stopping.promise, pipeline.quiet()])
          await pipeline.stop()
        }
        expect(await resultsOf(broker)).toEqual(expected)
        await broker.close()
      }),
      { numRuns: 25 },
    )
  })
})
