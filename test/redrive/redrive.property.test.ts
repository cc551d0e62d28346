import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Letter } from '../../src/deadletter/readLetter.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail, type Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { chosenLetters } from '../../src/redrive/choose.ts'
import { reopenLetters } from '../../src/redrive/reopen.ts'
import { VirtualClock } from '../../src/testing/clock.ts'
import { silentLog } from '../../src/testing/operatorContext.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { append, catalogWith, operator, output, valuesOf } from '../support/pipeline.ts'
import { lettersOf, sendBack, standingsOf } from '../support/redrive.ts'

type Action =
  | { readonly type: 'append'; readonly dies: 'never' | 'first' | 'second' }
  /**
   * Letters by their place among all that there are; old failures of a letter are among them. A late sender has each as it was
   * when it was open first, the other ones as it was when it was open last.
   */
  | {
      readonly type: 'redrive'
      readonly letters: readonly number[]
      readonly times: 1 | 2
      readonly whole: boolean
      readonly late: boolean
    }
  /** Late: somebody sends it after that as it stood before. */
  | { readonly type: 'reopen'; readonly letter: number; readonly late: boolean }
  | { readonly type: 'heal'; readonly place: 'first' | 'second'; readonly healed: boolean }
  | { readonly type: 'settle' | 'restart' }
  /** The next commit fails; whether it was made nobody can tell. */
  | { readonly type: 'tear'; readonly made: boolean }

interface Value {
  readonly id: number
  readonly dies: 'never' | 'first' | 'second'
}

/** In one stream both operators stand before the topic; else each has a stream, and a topic, of its own. */
const config = (inOne: boolean) => `
name: p
sources: { in: { topic: { format: json } } }
deadLetters: { maxHops: 100 }
streams:
  one: { from: in, steps: [{ first: {} }${inOne ? ', { second: {} }' : ''}], to: { topic: { name: out } } }
  ${inOne ? '' : 'two: { from: one, steps: [{ second: {} }], to: { topic: { name: also } } }'}
`

class World {
  readonly #clock = new VirtualClock(0)
  readonly #healed = { first: false, second: false }
  readonly #broker: Broker
  readonly #inOne: boolean
  readonly #plan
  #pipeline: Pipeline
  #tears: { readonly made: boolean } | undefined
  #appended = 0
  /** Letters as they were each time that somebody chose open ones, by their places. */
  readonly #chosen = new Map<bigint, Letter[]>()
  /** How often the letter of a record that had passed was opened again. */
  readonly #reopened = new Map<number, number>()

  private constructor(broker: Broker, inOne: boolean) {
    this.#broker = broker
    this.#inOne = inOne
    const answer =
      (place: 'first' | 'second') =>
      (record: Record): Outcome =>
        (record.value as Value).dies === place && !this.#healed[place]
          ? fail(record, new RecordedFault('record.useless', 'It is of no use.'))
          : emit(record)
    const each = async (record: Record) => {
      for (let turn = (record.value as Value).id % 3; turn > 0; turn--) await setImmediate()
      return answer('second')(record)
    }
    const catalog = catalogWith({
      operators: [operator('first', () => answer('first')), operator('second', () => ({ each, concurrency: 3 }))],
    })
    this.#plan = resolvePlan(parseConfig(config(inOne), 'p.yaml', catalog, {}), catalog)
    this.#pipeline = this.#create()
  }

  static async open(inOne: boolean): Promise<World> {
    const world = new World(await openEmbedded({ directory: ':memory:', now: () => 0 }), inOne)
    await world.#pipeline.start()
    return world
  }

  async act(action: Action): Promise<void> {
    if (action.type === 'append') {
      await append(this.#broker, [output('in', { id: this.#appended++, dies: action.dies })])
    } else if (action.type === 'heal') {
      this.#healed[action.place] = action.healed
    } else if (action.type === 'tear') {
      this.#tears = action
    } else if (action.type === 'restart') {
      await this.#stop()
      this.#pipeline = this.#create()
      await this.#pipeline.start()
    } else if (action.type === 'redrive') await this.#redrive(action)
    else if (action.type === 'reopen') await this.#reopen(action)
    else await this.settle()
  }

  async #redrive({ letters, times, whole, late }: Extract<Action, { type: 'redrive' }>): Promise<void> {
    const all = await lettersOf(this.#broker)
    await this.#choose()
    // Those that are not open are sent once more as they were chosen: a sender cannot tell what it sent before it crashed.
    const chosen = letters.flatMap((place) => (all.length > 0 ? this.#asChosen(all[place % all.length]!, late) : []))
    // From its source a record of two streams would come out of the first one twice.
    const to = whole && this.#inOne ? 'source' : 'operator'
    for (let time = 0; time < times; time++)
      await sendBack(this.#broker, this.#plan, chosen, { to, scheduler: this.#clock })
  }

  #asChosen(letter: Letter, late: boolean): Letter {
    return this.#chosen.get(letter.offset)?.at(late ? 0 : -1) ?? letter
  }

  async #choose(): Promise<void> {
    const ledger = new Ledger(this.#broker)
    try {
      const parts = { broker: this.#broker, ledger, plan: this.#plan }
      for await (const letter of chosenLetters(parts, {}))
        this.#chosen.set(letter.offset, [...(this.#chosen.get(letter.offset) ?? []), letter])
    } finally {
      await ledger.close()
    }
  }

  /** Only where nothing is on its way: what became of a letter is known then. */
  async #reopen({ letter: place, late }: Extract<Action, { type: 'reopen' }>): Promise<void> {
    await this.settle()
    const resolved = [...(await standingsOf(this.#broker))].flatMap(([id, to]) => (to === 'resolved' ? id : []))
    if (resolved.length === 0) return
    const id = resolved[place % resolved.length]!
    const ledger = new Ledger(this.#broker)
    const choice = { ids: [id] }
    const parts = { plan: this.#plan, broker: this.#broker, ledger, choice, dispositions: ['resolved'] as const }
    expect(await reopenLetters({ ...parts, now: () => 0, by: 'ann', why: '' })).toBe(1)
    await ledger.close()
    const letter = (await lettersOf(this.#broker)).findLast((each) => each.id === id)!
    const { id: record } = JSON.parse(letter.record.value!.toString()) as Value
    this.#reopened.set(record, (this.#reopened.get(record) ?? 0) + 1)
    if (!late) return
    await sendBack(this.#broker, this.#plan, [this.#asChosen(letter, late)], { scheduler: this.#clock })
    await this.settle()
    expect((await standingsOf(this.#broker)).get(id), 'a late sender hides nothing').toBe('open')
  }

  /** Until nothing goes on by itself; then each record has come out once, or has a letter that is open. */
  async settle(): Promise<void> {
    await this.#pipeline.quiet()
    while ((this.#pipeline.inFlight > 0 || this.#pipeline.troubles.length > 0) && this.#clock.next !== undefined) {
      this.#clock.step()
      await this.#pipeline.quiet()
    }
    const ends = this.#inOne ? ['out'] : ['out', 'also']
    const letters = await lettersOf(this.#broker)
    const standings = await standingsOf(this.#broker)
    const letterOf = new Map(
      letters.map((letter) => [(JSON.parse(letter.record.value!.toString()) as Value).id, letter]),
    )
    for (const end of ends) {
      const ids = ((await valuesOf(this.#broker, end)) as Value[]).map(({ id }) => id)
      const timesOut = (id: number) => ids.filter((each) => each === id).length
      for (let id = 0; id < this.#appended; id++) {
        const reopened = this.#reopened.get(id) ?? 0
        expect(timesOut(id), `${end} has nothing twice`).toBeLessThanOrEqual(1 + reopened)
        if (end !== ends.at(-1)) continue
        const letter = letterOf.get(id)
        const standing = (letter && standings.get(letter.id)) ?? 'resolved'
        expect([standing, timesOut(id)]).toEqual([standing, reopened + (standing === 'resolved' ? 1 : 0)])
        expect(['open', 'resolved']).toContain(standing)
      }
    }
    const failures = Map.groupBy(letters, ({ id }) => id)
    for (const own of failures.values()) expect(own.map(({ hops }) => hops)).toEqual(own.map((_, hops) => hops))
    for (const row of await this.#pipeline.conservation()) {
      expect(row).toMatchObject({ inFlight: 0, read: row.emitted + row.dead })
      const isLast = row.stream === (this.#inOne ? 'one' : 'two')
      const recordOf = (id: string) => (JSON.parse(failures.get(id)![0]!.record.value!.toString()) as Value).id
      const open = [...standings].filter(
        ([id, to]) =>
          to === 'open' && !this.#reopened.has(recordOf(id)) && failures.get(id)![0]!.operator.startsWith(row.stream),
      )
      expect(row.dead, 'what passed once does not count as dead again').toBe(open.length)
      if (!isLast || this.#inOne) expect(row.read).toBe(this.#appended)
    }
  }

  async close(): Promise<void> {
    await this.#stop()
    await this.#broker.close()
  }

  #create(): Pipeline {
    const broker = { ...this.#broker, commit: (unit: Parameters<Broker['commit']>[0]) => this.#commit(unit) }
    return new Pipeline({ plan: this.#plan, broker, scheduler: this.#clock, log: silentLog, once: false })
  }

  async #commit(unit: Parameters<Broker['commit']>[0]): Promise<void> {
    const tears = this.#tears
    this.#tears = undefined
    if (tears?.made !== false) await this.#broker.commit(unit)
    if (tears) throw new Error('The connection was lost.')
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

const mostly = fc.constantFrom(true, true, false)
const places = fc.constantFrom('first' as const, 'second' as const)
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      dies: fc.constantFrom('never' as const, 'first' as const, 'second' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('redrive' as const),
      letters: fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
      times: fc.constantFrom(1 as const, 2 as const),
      whole: fc.boolean(),
      late: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('reopen' as const), letter: fc.nat(20), late: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('heal' as const), place: places, healed: mostly }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('settle' as const, 'restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('tear' as const), made: fc.boolean() }) },
)

it.each([
  ['one stream', true],
  ['two streams', false],
])('each letter is open, resolved or back with one more hop, over restarts and sent twice: %s', async (_, inOne) => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25, size: 'max' }), async (actions) => {
      const world = await World.open(inOne)
      try {
        for (const each of actions) await world.act(each)
        await world.settle()
      } finally {
        await world.close()
      }
    }),
    { numRuns: 25 },
  )
})
