import { globalTask, type Broker, type StateReader } from '../broker/broker.ts'
import { decode, isJsonText } from '../topology/encoded.ts'
import { operatorsOf, tablesOf } from '../testing/stores.ts'
import type { StateOverlay } from '../testing/drive.ts'
import type { KeptBefore } from '../testing/before.ts'
import { compareKeys, type TableRow } from '../component/state.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import { stateOf } from '../topology/held.ts'
import type { Plan } from '../topology/plan.ts'

/** So many entries of state a test is given at most. */
const mostEntries = 200

/**
 * What the steps of a pipeline read of their state for one record: a test is run over the state that the pipeline has on its
 * broker now, and what it reads is taken down.
 */
export class StateSlice implements StateOverlay {
  readonly #plan: Plan
  readonly #own: readonly StateReader[]
  readonly #global: StateReader
  readonly #found = new Map<string, Map<string, Buffer>>()
  #records = false
  #count = 0
  /** Whether more was read than a test is given. */
  isCut = false

  private constructor(plan: Plan, own: readonly StateReader[], global: StateReader) {
    this.#plan = plan
    this.#own = own
    this.#global = global
  }

  /** @param broker the real one, which is only read */
  static async of(letter: Letter, plan: Plan, broker: Broker): Promise<StateSlice> {
    const partitions = new Set([letter.read?.partition, letter.origin.partition].filter((each) => each !== undefined))
    const own = await Promise.all([...partitions].map((partition) => broker.state(plan.name, stateOf(partition))))
    return new StateSlice(plan, own, await broker.state(plan.name, globalTask))
  }

  over(broker: Broker): Broker {
    const state: Broker['state'] = async (group, task) => {
      const reader = await broker.state(group, task)
      if (group !== this.#plan.name) return reader
      return this.#beneath(reader, task === globalTask ? [this.#global] : this.#own)
    }
    return { ...broker, state }
  }

  started(): void {
    this.#records = true
  }

  /** What was read, in the words of a test; undefined where nothing was. */
  get kept(): KeptBefore | undefined {
    const tables = this.#stores(tablesOf(this.#plan), (bytes) => {
      const { value, timestamp } = decode<TableRow>(bytes)
      return { $value: value, $timestamp: new Date(timestamp).toISOString() }
    })
    const state = this.#stores(operatorsOf(this.#plan), asState)
    return tables || state ? { ...(tables && { tables }), ...(state && { state }) } : undefined
  }

  #stores(names: readonly string[], read: (bytes: Buffer) => unknown) {
    const found = [...this.#found].filter(([name]) => names.includes(name))
    if (found.length === 0) return undefined
    return Object.fromEntries(
      found.map(([name, entries]) => [
        name,
        Object.fromEntries(Array.from(entries, ([key, bytes]) => [key, read(bytes)])),
      ]),
    )
  }

  #beneath(above: StateReader, below: readonly StateReader[]): StateReader {
    const isPart = (store: string) => this.#records && !store.startsWith('$')
    const get = (store: string, key: string): Buffer | undefined => {
      const own = above.get(store, key)
      if (own || !isPart(store)) return own
      const found = below.map((reader) => reader.get(store, key)).find((bytes) => bytes !== undefined)
      return found && this.#take(store, key, found)
    }
    const entries: StateReader['entries'] = (store, from, to) => {
      if (!isPart(store)) return above.entries(store, from, to)
      return this.#merged(
        store,
        above.entries(store, from, to),
        below.map((reader) => reader.entries(store, from, to)),
      )
    }
    const keys: StateReader['keys'] = (store, from, to) => Array.from(entries(store, from, to), ([key]) => key)
    return { get, entries, keys }
  }

  /** What the test itself keeps comes first: it has been changed since. */
  *#merged(
    store: string,
    above: Iterable<readonly [string, Buffer]>,
    below: readonly Iterable<readonly [string, Buffer]>[],
  ): Generator<readonly [string, Buffer]> {
    const own = new Map(above)
    const merged = new Map<string, Buffer>()
    for (const entries of below)
      for (const [key, bytes] of entries) {
        if (own.has(key) || merged.has(key)) continue
        if (merged.size >= mostEntries) {
          this.isCut = true
          break
        }
        merged.set(key, this.#take(store, key, bytes))
      }
    const all = [...own, ...merged].toSorted(([one], [other]) => compareKeys(one, other))
    yield* all
  }

  #take(store: string, key: string, bytes: Buffer): Buffer {
    const entries = this.#found.get(store) ?? new Map<string, Buffer>()
    this.#found.set(store, entries)
    if (entries.has(key)) return bytes
    if (this.#count++ < mostEntries) entries.set(key, bytes)
    else this.isCut = true
    return bytes
  }
}

/** Plain data, or bytes where it is none. */
const asState = (bytes: Buffer): unknown =>
  isJsonText(bytes) ? (JSON.parse(bytes.toString()) as unknown) : { $raw: { base64: bytes.toString('base64') } }
