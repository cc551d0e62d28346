import type { StateChange, StateReader } from '../broker/broker.ts'
import { compareKeys, type StateStore } from '../component/state.ts'
import { decode, encode } from './encoded.ts'

const deleted = Symbol('deleted')

/**
 * A task's state: what the broker committed, under what has changed since. Changes are staged until the unit takes them,
 * and a failing operator's are taken back.
 */
export class StagedState {
  readonly #committed: StateReader
  readonly #staged = new Map<string, Map<string, unknown>>()
  #journal: (() => void)[] = []

  constructor(committed: StateReader) {
    this.#committed = committed
  }

  /** The part of the state that belongs to one operator. */
  store(name: string): StateStore {
    const staged = new Map<string, unknown>()
    this.#staged.set(name, staged)
    const write = (key: string, value: unknown) => {
      const had = staged.has(key)
      const before = staged.get(key)
      this.#journal.push(() => (had ? staged.set(key, before) : staged.delete(key)))
      staged.set(key, value)
    }
    return {
      get: (key) => {
        const change = staged.get(key)
        if (change !== undefined) return change === deleted ? undefined : change
        const bytes = this.#committed.get(name, key)
        return bytes && decode<unknown>(bytes)
      },
      set: write,
      delete: (key) => write(key, deleted),
      entries: (from, to) => this.#entries(name, staged, from, to),
    }
  }

  *#entries(name: string, staged: Map<string, unknown>, from = '', to?: string): Iterable<readonly [string, unknown]> {
    const inRange = (key: string) => compareKeys(key, from) >= 0 && (to === undefined || compareKeys(key, to) < 0)
    const changes = [...staged].filter(([key]) => inRange(key)).sort(([a], [b]) => compareKeys(a, b))
    let next = 0
    for (const [key, bytes] of this.#committed.entries(name, from, to)) {
      for (; next < changes.length && compareKeys(changes[next]![0], key) < 0; next++) yield* present(changes[next]!)
      if (changes[next]?.[0] === key) yield* present(changes[next++]!)
      else yield [key, decode<unknown>(bytes)]
    }
    for (; next < changes.length; next++) yield* present(changes[next]!)
  }

  /** Runs an operator's call; what it staged is undone if it throws or its result is not kept. */
  attempt<T>(call: () => T, keep: (result: T) => boolean): T {
    const start = this.#journal.length
    let kept = false
    try {
      const result = call()
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
      for (const [key, value] of staged) changes.push({ store, key, value: value === deleted ? null : encode(value) })
      staged.clear()
    }
    return changes
  }
}

function* present([key, value]: readonly [string, unknown]): Iterable<readonly [string, unknown]> {
  if (value !== deleted) yield [key, value]
}
