import type { StateChange, StateReader } from '../broker/broker.ts'
import { compareKeys, type StateStore } from '../component/state.ts'
import { decode, encode } from './encoded.ts'

const deleted = Symbol('deleted')

/** Changes of one operator. */
interface Staged {
  fresh: Map<string, unknown>
  /** Those that the last unit took: calls and timers may read them while the broker does not have them yet. */
  taken: Map<string, unknown>
}

/**
 * A task's state: what the broker committed, under what has changed since. Changes are staged until the unit takes them,
 * and a failing operator's are taken back.
 */
export class StagedState {
  readonly #committed: StateReader
  readonly #staged = new Map<string, Staged>()
  #journal: (() => void)[] = []

  constructor(committed: StateReader) {
    this.#committed = committed
  }

  /** The part of the state that belongs to one operator, or is one table. */
  store(name: string): StateStore {
    const staged: Staged = this.#staged.get(name) ?? { fresh: new Map(), taken: new Map() }
    this.#staged.set(name, staged)
    const write = (key: string, value: unknown) => {
      const { fresh } = staged
      const had = fresh.has(key)
      const before = fresh.get(key)
      this.#journal.push(() => (had ? fresh.set(key, before) : fresh.delete(key)))
      fresh.set(key, value)
    }
    return {
      get: (key) => {
        const change = (staged.fresh.has(key) ? staged.fresh : staged.taken).get(key)
        if (change !== undefined) return change === deleted ? undefined : change
        const bytes = this.#committed.get(name, key)
        return bytes && decode<unknown>(bytes)
      },
      set: write,
      delete: (key) => write(key, deleted),
      entries: (from, to) => this.#entries(name, staged, from, to),
    }
  }

  *#entries(name: string, { fresh, taken }: Staged, from = '', to?: string): Iterable<readonly [string, unknown]> {
    const inRange = (key: string) => compareKeys(key, from) >= 0 && (to === undefined || compareKeys(key, to) < 0)
    const changes = [...new Map([...taken, ...fresh])]
      .filter(([key]) => inRange(key))
      .sort(([a], [b]) => compareKeys(a, b))
    let next = 0
    for (const [key, bytes] of this.#committed.entries(name, from, to)) {
      for (; next < changes.length && compareKeys(changes[next]![0], key) < 0; next++) yield* present(changes[next]!)
      if (changes[next]?.[0] === key) yield* present(changes[next++]!)
      else yield [key, decode<unknown>(bytes)]
    }
    for (; next < changes.length; next++) yield* present(changes[next]!)
  }

  /** Runs an operator's call; what it staged is undone if it throws or its result is not kept. */
  attempt<T, R>(call: (given: T) => R, given: T, keep: (result: R) => boolean): R {
    const start = this.#journal.length
    let kept = false
    try {
      const result = call(given)
      kept = keep(result)
      return result
    } finally {
      if (!kept) while (this.#journal.length > start) this.#journal.pop()!()
    }
  }

  /** Everything staged since the last take, for the unit. */
  take(): StateChange[] {
    this.#journal = []
    const changes: StateChange[] = []
    for (const [store, staged] of this.#staged) {
      const { fresh } = staged
      for (const [key, value] of fresh) changes.push({ store, key, value: value === deleted ? null : encode(value) })
      staged.taken = fresh
      staged.fresh = new Map()
    }
    return changes
  }
}

function* present([key, value]: readonly [string, unknown]): Iterable<readonly [string, unknown]> {
  if (value !== deleted) yield [key, value]
}
