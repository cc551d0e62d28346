import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { StateChange } from '../../src/broker/broker.ts'
import { openStateCopy } from '../../src/broker/embedded/stateCopy.ts'
import { compareKeys } from '../../src/component/state.ts'
import { StagedState } from '../../src/topology/staged.ts'

const names = ['counts', 'windows']
const key = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((number) => `k${number}`),
  fc.constantFrom('', 'k', 'k\0', 'é', '\uffee', '😀', 'k1😀'),
)
const value = fc.oneof(
  fc.integer(),
  fc.constantFrom(undefined, null, -0, NaN, 'text', [1, 2], { count: 1 }, { at: undefined }, [undefined]),
  fc.constant(new Date(1)),
  fc.constant(new Map([['a', 1]])),
)

type Change =
  | { readonly do: 'set'; readonly store: string; readonly key: string; readonly value: unknown }
  | { readonly do: 'delete'; readonly store: string; readonly key: string }
type Step =
  | Change
  | { readonly do: 'get'; readonly store: string; readonly key: string }
  | { readonly do: 'entries'; readonly store: string; readonly key: string; readonly to: string | undefined }
  | { readonly do: 'fail'; readonly changes: readonly Change[] }
  | { readonly do: 'take' | 'settle' | 'restart' | 'crash' }

const store = fc.constantFrom(...names)
const set = fc.record({ do: fc.constant('set' as const), store, key, value })
const remove = fc.record({ do: fc.constant('delete' as const), store, key })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: set },
  { weight: 3, arbitrary: remove },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('get' as const), store, key }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('entries' as const), store, key, to: fc.option(key, { nil: undefined }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const), changes: fc.array(fc.oneof(set, remove)) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('take' as const, 'settle', 'restart', 'crash') }) },
)

type Model = Map<string, Map<string, unknown>>
const copyOf = (model: Model): Model => new Map([...model].map(([name, entries]) => [name, new Map(entries)]))

/** A task's state over a broker, beside plain maps that do the same. */
class Both {
  readonly #broker = openStateCopy({ now: () => 0 })
  readonly #memory: number
  #state!: StagedState
  #stores!: ReadonlyMap<string, ReturnType<StagedState['store']>>
  #model: Model = new Map(names.map((name) => [name, new Map()]))
  #committed = copyOf(this.#model)
  /** A unit that was taken and is not committed yet. */
  #unit: { readonly changes: readonly StateChange[]; readonly model: Model } | undefined

  constructor(memory: number) {
    this.#memory = memory
    this.#start()
  }

  #start(): void {
    this.#state = new StagedState(this.#broker.reader('0'), this.#memory)
    this.#stores = new Map(names.map((name) => [name, this.#state.store(name)]))
    this.#model = copyOf(this.#committed)
    this.#unit = undefined
  }

  run(step: Step): void {
    switch (step.do) {
      case 'set':
      case 'delete':
        this.#change(step)
        return step.do === 'set'
          ? void this.#model.get(step.store)!.set(step.key, step.value)
          : void this.#model.get(step.store)!.delete(step.key)
      case 'get':
        return expect(this.#stores.get(step.store)!.get(step.key)).toEqual(this.#model.get(step.store)!.get(step.key))
      case 'entries':
        return this.#compare(step.store, step.key, step.to)
      case 'fail':
        return this.#state.attempt(
          () => step.changes.forEach((change) => this.#change(change)),
          undefined,
          () => false,
        )
      case 'take':
        this.#settle()
        this.#unit = { changes: this.#state.take(), model: copyOf(this.#model) }
        return
      case 'settle':
        return this.#settle()
      case 'restart':
        this.#settle()
        return this.#start()
      case 'crash': // A unit that was not committed is gone, and what was staged.
        return this.#start()
    }
  }

  end(): void {
    for (const name of names) this.#compare(name, '', undefined)
    this.#broker.close()
  }

  #change(change: Change): void {
    const store = this.#stores.get(change.store)!
    if (change.do === 'set') store.set(change.key, change.value)
    else store.delete(change.key)
  }

  #settle(): void {
    if (!this.#unit) return
    this.#broker.change(new Map([['0', this.#unit.changes]]))
    this.#committed = this.#unit.model
    this.#unit = undefined
  }

  #compare(name: string, from: string, to: string | undefined): void {
    const expected = [...this.#model.get(name)!]
      .filter(([key]) => compareKeys(key, from) >= 0 && (to === undefined || compareKeys(key, to) < 0))
      .sort(([a], [b]) => compareKeys(a, b))
    expect([...this.#stores.get(name)!.entries(from, to)]).toEqual(expected)
    expect([...this.#stores.get(name)!.keys(from, to)]).toEqual(expected.map(([key]) => key))
  }
}

it.each([0, 2_000, 1_000_000])(
  'state is that of a plain map, whatever fails, is taken or starts again, with %d bytes of memory for values',
  (memory) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const both = new Both(memory)
        for (const each of steps) both.run(each)
        both.end()
      }),
      { numRuns: 100 },
    )
  },
)
