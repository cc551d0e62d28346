import type { StateChange, StateReader } from '../broker/broker.ts'
import type { StateStore } from '../component/state.ts'
import type { WritableTable } from '../component/tableStore.ts'
import { encode } from './encoded.ts'
import { CommittedStore } from './committed.ts'
import { mergedEntries, mergedKeys, SortedKeys } from './mergedEntries.ts'
import { Budget, deleted, type Entry } from './recent.ts'

/** Changes of one operator. */
interface Staged {
  readonly committed: CommittedStore
  readonly sorted: SortedKeys
  fresh: Entry[]
  /** Those that the last unit took: calls and timers may read them while the broker does not have them yet. */
  taken: readonly Entry[]
}

/** What a key was before a change of a call that may yet fail. */
interface Before {
  readonly staged: Staged
  readonly entry: Entry
  readonly value: unknown
  readonly wasFresh: boolean
  /** The change that the call made before this one. */
  readonly last: Before | undefined
}

/** Stands for a value of the broker's that nobody looked at. */
const unseen = Symbol('unseen')

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
    const { recent } = committed
    const write = (key: string, value: unknown) => {
      const entry = recent.get(key) ?? recent.add(key, unseen)
      const { value: before, isFresh: wasFresh } = entry
      if (this.#isCalled) this.#last = { staged, entry, value: before, wasFresh, last: this.#last }
      entry.value = value
      if (wasFresh) return
      entry.isFresh = true
      staged.fresh.push(entry)
      staged.sorted.add(key)
    }
    return {
      get: (key) => {
        const entry = recent.get(key)
        if (!entry) return committed.get(key)
        return entry.value === deleted ? undefined : entry.value
      },
      set: write,
      delete: (key) => write(key, deleted),
      entries: (from, to) => mergedEntries(staged, from, to),
      keys: (from, to) => mergedKeys(staged, from, to),
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
    const pending = () => staged.taken.map(({ key }) => key)
    const committed = new CommittedStore(this.#committed, name, this.#budget, pending)
    const staged: Staged = { committed, sorted: new SortedKeys(), fresh: [], taken: [] }
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
      const { fresh, taken, committed } = staged
      for (const change of taken) settle(change, committed)
      staged.taken = fresh
      staged.fresh = []
      staged.sorted.reset()
      for (const entry of fresh) {
        const { key } = entry
        entry.isFresh = false
        entry.isTaken = true
        const value = entry.value === deleted ? null : encode(entry.value)
        changes.push({ store, key, value })
        if (value) committed.recent.resize(entry, value.length)
      }
    }
    return changes
  }
}

/** The broker has a change. */
function settle(entry: Entry, { recent }: CommittedStore): void {
  entry.isTaken = false
  if (entry.value === deleted && !entry.isFresh) recent.remove(entry.key)
}

function undo({ staged, entry, value, wasFresh }: Before): void {
  entry.value = value
  if (wasFresh) return
  // It was the last to be changed first.
  staged.fresh.pop()
  entry.isFresh = false
  if (value === unseen) staged.committed.recent.remove(entry.key)
}
