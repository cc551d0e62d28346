import type { StateChange, StateReader } from '../broker/broker.ts'
import type { StateStore } from '../component/state.ts'
import type { WritableTable } from '../component/tableStore.ts'
import { encode } from './encoded.ts'
import { CommittedStore } from './committed.ts'
import { deleted, mergedEntries, SortedKeys } from './mergedEntries.ts'
import { Budget } from './recent.ts'

/** Changes of one operator. */
interface Staged {
  readonly committed: CommittedStore
  readonly sorted: SortedKeys
  fresh: Map<string, unknown>
  /** Those that the last unit took: calls and timers may read them while the broker does not have them yet. */
  taken: Map<string, unknown>
}

/** What a key was before a change of a call that may yet fail. */
interface Before {
  readonly fresh: Map<string, unknown>
  readonly key: string
  readonly had: boolean
  readonly value: unknown
  /** The change that the call made before this one. */
  readonly last: Before | undefined
}

/** Decoded values that a task keeps in memory, in bytes, about. */
const defaultMemory = 33_554_432

/**
 * A task's state: what the broker committed, under what has changed since. Changes are staged until the unit takes them,
 * and a failing operator's are taken back. A unit that is not committed ends it: the task starts again with a new one.
 */
export class StagedState {
  readonly #committed: StateReader
  readonly #budget: Budget
  readonly #staged = new Map<string, Staged>()
  #global: StateChange[] = []
  /** While a call runs, what it changed last. */
  #last: Before | undefined
  #isCalled = false

  /** @param memory bytes that decoded values may take, about */
  constructor(committed: StateReader, memory = defaultMemory) {
    this.#committed = committed
    this.#budget = new Budget(memory)
  }

  /** The part of the state that belongs to one operator, or is one table. */
  store(name: string): StateStore {
    const staged = this.#staged.get(name) ?? this.#open(name)
    const { committed } = staged
    const write = (key: string, value: unknown) => {
      const { fresh } = staged
      if (this.#isCalled) this.#last = { fresh, key, had: fresh.has(key), value: fresh.get(key), last: this.#last }
      fresh.set(key, value)
      staged.sorted.add(key)
    }
    return {
      get: (key) => {
        const { fresh, taken } = staged
        let change = fresh.get(key)
        if (change === undefined && !fresh.has(key)) {
          const recent = committed.recent(key)
          if (recent) return recent.value
          change = taken.get(key)
          if (change === undefined && !taken.has(key)) return committed.get(key)
        }
        return change === deleted ? undefined : change
      },
      set: write,
      delete: (key) => write(key, deleted),
      entries: (from, to) => mergedEntries(staged, from, to),
    }
  }

  /** A table that every task reads, and this one writes: what is changed is read again once it is committed. */
  global(store: string): WritableTable {
    return {
      set: (key, value) => void this.#global.push({ store, key, value: encode(value) }),
      delete: (key) => void this.#global.push({ store, key, value: null }),
    }
  }

  /** What was changed of those since the last take. */
  takeGlobal(): readonly StateChange[] {
    const changes = this.#global
    this.#global = []
    return changes
  }

  #open(name: string): Staged {
    const committed = new CommittedStore(this.#committed, name, this.#budget, () => staged.taken.keys())
    const staged: Staged = { committed, sorted: new SortedKeys(), fresh: new Map(), taken: new Map() }
    this.#staged.set(name, staged)
    return staged
  }

  /** Runs an operator's call; what it staged is undone if it throws or its result is not kept. */
  attempt<T, R>(call: (given: T) => R, given: T, keep: (result: R) => boolean): R {
    this.#isCalled = true
    let kept = false
    try {
      const result = call(given)
      kept = keep(result)
      return result
    } finally {
      if (!kept) for (let before = this.#last; before; before = before.last) undo(before)
      this.#isCalled = false
      this.#last = undefined
    }
  }

  /** Everything staged since the last take, for the unit. */
  take(): StateChange[] {
    const changes: StateChange[] = []
    for (const [store, staged] of this.#staged) {
      const { fresh, committed } = staged
      staged.taken = fresh
      staged.fresh = new Map()
      staged.sorted.reset()
      fresh.forEach((value, key) => {
        const bytes = value === deleted ? null : encode(value)
        changes.push({ store, key, value: bytes })
        if (bytes) committed.put(key, value, bytes.length)
        else committed.remove(key)
      })
    }
    return changes
  }
}

function undo({ fresh, key, had, value }: Before): void {
  if (had) fresh.set(key, value)
  else fresh.delete(key)
}
