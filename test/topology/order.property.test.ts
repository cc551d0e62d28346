import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { defineOperator } from '../../src/component/operator.ts'
import { defineSink } from '../../src/component/sink.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail, type Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { readLetter, type Letter } from '../../src/deadletter/readLetter.ts'
import { VirtualClock } from '../../src/testing/clock.ts'
import { silentLog } from '../../src/testing/operatorContext.ts'
import { commandRecord, keyText, laneOf } from '../../src/topology/lane.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { append, catalogWith, output, recordsOf } from '../support/pipeline.ts'
import { sendBack, standingsOf } from '../support/redrive.ts'

/** How a record behaves: passes, fails so many times, or fails until it is healed. */
type Kind = 'good' | 'once' | 'often' | 'poison'

type Action =
  | { readonly type: 'append'; readonly key: string; readonly kind: Kind }
  | { readonly type: 'wait'; readonly steps: number }
  | { readonly type: 'heal' }
  | { readonly type: 'redrive' | 'discard' | 'release'; readonly key: string }
  | { readonly type: 'restart' }

interface Value {
  readonly id: number
  readonly kind: Kind
}

/** The world outside of the pipeline: what it was asked so far, and whether poison is healed. */
class Service {
  healed = false
  readonly #tries = new Map<number, number>()

  answer(record: Record): Outcome {
    const { id, kind } = record.value as Value
    const tries = (this.#tries.get(id) ?? 0) + 1
    this.#tries.set(id, tries)
    const down = (kind === 'once' && tries === 1) || (kind === 'often' && tries <= 2)
    if (down) return fail(record, new RecordedFault('service.down', 'It does not answer.', 'retry'))
    if (kind === 'poison' && !this.healed) return fail(record, new RecordedFault('record.useless', 'It is of no use.'))
    return emit(record)
  }
}

const keys = ['a', 'b', 'c'] as const

const config = (call: boolean, sink: boolean) => `
name: ordered
sources: { in: { topic: { format: json } } }
deadLetters: { order: key, retry: { attempts: 3, backoff: [10ms, 20ms] } }
streams:
  clean:
    from: in
    steps: [{ ${call ? 'ask' : 'apply'}: {} }]
    to: ${sink ? '{ shelf: {} }' : '{ topic: { name: out } }'}
`

/** Where a sink outside of the broker puts what it is given. */
type Shelf = Record[]

const catalogFor = (service: Service, shelf: Shelf) => {
  const shared = { summary: 'For this test.', config: z.strictObject({}), faults: [], examples: [] }
  const each = async (record: Record) => {
    for (let turn = (record.value as Value).id % 3; turn > 0; turn--) await setImmediate()
    return service.answer(record)
  }
  const write = async (records: readonly Record[]) => {
    await setImmediate()
    shelf.push(...records)
    return records.map(() => 'written' as const)
  }
  return catalogWith({
    sinks: [defineSink({ ...shared, name: 'shelf', open: async () => ({ write, close: async () => {} }) })],
    operators: [
      defineOperator({ ...shared, name: 'apply', build: () => (record) => service.answer(record) }),
      defineOperator({ ...shared, name: 'ask', build: () => ({ each, concurrency: 4 }) }),
    ],
  })
}

/** What a user would expect of one key, told from the actions alone. */
class Model {
  readonly #sequences = new Map<string, Value[]>(keys.map((key) => [key, []]))
  readonly out = new Map<string, number[]>(keys.map((key) => [key, []]))
  /** The dead record that holds up a key. */
  readonly holding = new Map<string, Value>()

  append(key: string, value: Value): void {
    this.#sequences.get(key)!.push(value)
  }

  waiting(key: string): number {
    return this.#sequences.get(key)!.length
  }

  /** All that can go on does. */
  run(healed: boolean): void {
    for (const key of keys) {
      const sequence = this.#sequences.get(key)!
      while (sequence.length > 0 && !this.holding.has(key)) {
        const value = sequence.shift()!
        if (value.kind === 'poison' && !healed) this.holding.set(key, value)
        else this.out.get(key)!.push(value.id)
      }
    }
  }

  redrive(key: string, healed: boolean): void {
    const value = this.holding.get(key)
    if (!value || !healed) return
    this.out.get(key)!.push(value.id)
    this.holding.delete(key)
  }
}

/** The letter that holds up a key is the last one of it. */
async function letterOf(broker: Broker, key: string): Promise<Letter | undefined> {
  const letters = (await recordsOf(broker, 'dlq.in')).filter((record) => record.key?.toString() === key)
  return letters.length > 0 ? readLetter(letters.at(-1)!)! : undefined
}

class World {
  readonly #clock = new VirtualClock(0)
  readonly #service = new Service()
  readonly #model = new Model()
  readonly #plan
  readonly #sink: boolean
  readonly #shelf: Shelf = []
  readonly #broker: Broker
  #pipeline: Pipeline
  #nextId = 0

  private constructor(broker: Broker, call: boolean, sink: boolean) {
    this.#broker = broker
    this.#sink = sink
    const catalog = catalogFor(this.#service, this.#shelf)
    this.#plan = resolvePlan(parseConfig(config(call, sink), 'p.yaml', catalog, {}), catalog)
    this.#pipeline = this.#create()
  }

  static async open(call: boolean, sink: boolean): Promise<World> {
    const world = new World(await openEmbedded({ directory: ':memory:', now: () => 0 }), call, sink)
    await world.#pipeline.start()
    return world
  }

  async act(action: Action): Promise<void> {
    if (action.type === 'append') {
      const value = { id: this.#nextId++, kind: action.kind }
      this.#model.append(action.key, value)
      await append(this.#broker, [output('in', value, { key: Buffer.from(action.key) })])
    } else if (action.type === 'wait') {
      for (let step = 0; step < action.steps && this.#clock.next !== undefined; step++) {
        this.#clock.step()
        await setImmediate()
      }
    } else if (action.type === 'restart') {
      await this.#stop()
      this.#pipeline = this.#create()
      await this.#pipeline.start()
    } else await this.#operate(action)
  }

  /** The operator of the pipeline acts on what has come to rest, so that the model can tell what happens. */
  async #operate(action: { readonly type: 'heal' | 'redrive' | 'discard' | 'release'; readonly key?: string }) {
    await this.rest()
    if (action.type === 'heal') {
      this.#service.healed = true
      return
    }
    const letter = await letterOf(this.#broker, action.key!)
    if (letter === undefined) return
    // Only open letters are sent back.
    const standing = (await standingsOf(this.#broker)).get(letter.id)
    if (action.type === 'redrive' && standing !== 'open') return
    const key = keyText(Buffer.from(action.key!))
    const command =
      action.type === 'release'
        ? ({ command: 'release', key } as const)
        : { command: 'discard' as const, letter: letter.id }
    if (action.type === 'redrive') await sendBack(this.#broker, this.#plan, [letter], { scheduler: this.#clock })
    else await append(this.#broker, [commandRecord(laneOf('ordered', 'in'), 0, command, 0)])
    if (action.type === 'redrive') this.#model.redrive(action.key!, this.#service.healed)
    else this.#model.holding.delete(action.key!)
    await this.rest()
  }

  /** Until nothing goes on by itself any more; then the pipeline has done what the model says. */
  async rest(): Promise<void> {
    await this.#pipeline.quiet()
    while (this.#pipeline.inFlight > this.#pipeline.blocked && this.#clock.next !== undefined) {
      this.#clock.step()
      await this.#pipeline.quiet()
    }
    this.#model.run(this.#service.healed)
    const found = await this.#out()
    const out = Map.groupBy(found, ({ key }) => key)
    for (const key of keys) {
      const ids = (out.get(key) ?? []).map(({ id }) => id)
      expect(ids).toEqual(this.#model.out.get(key))
    }
    const waiting = keys.reduce((sum, key) => sum + this.#model.waiting(key), 0)
    expect(this.#pipeline.blocked).toBe(waiting)
    expect(this.#pipeline.inFlight).toBe(waiting)
    expect(this.#pipeline.troubles).toEqual([])
    const emitted = found.length
    const [row] = await this.#pipeline.conservation()
    expect(row).toMatchObject({
      read: this.#nextId,
      emitted,
      inFlight: waiting,
      dead: this.#nextId - emitted - waiting,
    })
  }

  async #out(): Promise<{ key: string; id: number }[]> {
    if (this.#sink) return this.#shelf.map(({ key, value }) => ({ key: key!.toString(), id: (value as Value).id }))
    const records = await recordsOf(this.#broker, 'out')
    return records.map(({ key, value }) => ({ key: key!.toString(), id: (JSON.parse(value!.toString()) as Value).id }))
  }

  async close(): Promise<void> {
    await this.#stop()
    await this.#broker.close()
  }

  #create(): Pipeline {
    return new Pipeline({ plan: this.#plan, broker: this.#broker, scheduler: this.#clock, log: silentLog, once: false })
  }

  /** A unit in work may wait a moment of virtual time for calls before it commits. */
  async #stop(): Promise<void> {
    let stopped = false
    const stopping = this.#pipeline.stop().then(() => (stopped = true))
    for (let turn = 0; !stopped && turn < 1_000; turn++) {
      await setImmediate()
      if (turn % 20 === 19) this.#clock.step()
    }
    await stopping
  }
}

const key = fc.constantFrom(...keys)
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      key,
      kind: fc.constantFrom<Kind>('good', 'good', 'once', 'often', 'poison'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('wait' as const), steps: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('redrive' as const, 'discard' as const, 'release' as const), key }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'heal' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'restart' as const }) },
)

for (const [call, sink] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const) {
  it(`keys keep their order through retries, dead letters, redrives and restarts, ${call ? 'asynchronous' : 'synchronous'}, to a ${sink ? 'sink' : 'topic'}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const world = await World.open(call, sink)
        try {
          for (const each of actions) await world.act(each)
          await world.rest()
        } finally {
          await world.close()
        }
      }),
      {
        numRuns: 60,
        examples: [
          [
            [
              { type: 'append', key: 'c', kind: 'poison' },
              { type: 'release', key: 'c' },
              { type: 'heal' },
              { type: 'redrive', key: 'c' },
            ],
          ],
        ],
      },
    )
  })
}
