import { Fault } from '../record/fault.ts'
import type { StateReader } from '../broker/broker.ts'
import { decode } from './encoded.ts'
import { KeyFilter } from './keyFilter.ts'
import { Recent, type Budget } from './recent.ts'

/** For each key that is looked for in vain, so many of those there are are looked at. */
const scanned = 16
/** Keys that were deleted stay in the filter until it has so many times as many keys as there were. */
const staleness = 4
const smallest = 1 << 20

/** What the broker has of one store: values used last are kept decoded, and keys that it does not have are known mostly. */
export class CommittedStore {
  readonly #reader: StateReader
  readonly #name: string
  /** Values in memory; changes of which the broker may not have heard yet are among them. */
  readonly recent: Recent
  readonly #pending: () => Iterable<string>
  /** Keys there may be; complete once all were looked at that there were, for those that come later are added. */
  #filter = new KeyFilter()
  #scan: Iterator<string> | undefined
  #complete = false
  /** What the filter may have, in keys. */
  #most = Infinity

  /** @param pending keys that the broker may be about to get */
  constructor(reader: StateReader, name: string, budget: Budget, pending: () => Iterable<string>) {
    this.#reader = reader
    this.#name = name
    this.#pending = pending
    this.recent = new Recent(budget, (key) => this.#evicted(key))
  }

  /** A value that is not in memory. */
  get(key: string): unknown {
    if (this.#complete && !this.#filter.mayHave(key)) return undefined
    const bytes = orUnreadable(() => this.#reader.get(this.#name, key))
    if (!bytes) {
      this.#lookOn()
      return undefined
    }
    const value = decode<unknown>(bytes)
    this.recent.add(key, value, bytes.length)
    return value
  }

  /** @throws StateUnreadableFault, as `get` does */
  *entries(from: string, to?: string): Iterable<readonly [string, Buffer]> {
    yield* readable(this.#reader.entries(this.#name, from, to))
  }

  /** @throws StateUnreadableFault, as `get` does */
  *keys(from: string, to?: string): Iterable<string> {
    yield* readable(this.#reader.keys(this.#name, from, to))
  }

  #evicted(key: string): void {
    this.#filter.add(key)
    if (this.#filter.size > this.#most) this.#forget()
  }

  /** Looks at some more of the keys there are, until it knows them all. */
  #lookOn(): void {
    if (this.#complete) return
    this.#scan ??= this.keys('')[Symbol.iterator]()
    for (let left = scanned; left > 0; left--) {
      const next = this.#scan.next()
      if (next.done) {
        this.#complete = true
        this.#scan = undefined
        this.#most = Math.max(smallest, staleness * this.#filter.size)
        return
      }
      this.#filter.add(next.value)
    }
  }

  /** Most of the keys in the filter may be gone: begins with a new one. */
  #forget(): void {
    this.#filter = new KeyFilter()
    this.#scan = undefined
    this.#complete = false
    this.#most = Infinity
    for (const key of this.#pending()) this.#filter.add(key)
  }
}

/** The broker cannot read a task's state: no record is to blame, and the task starts again. */
class StateUnreadableFault extends Fault {
  readonly code = 'state.unreadable'
  readonly disposition = 'halt'
}

function* readable<T>(items: Iterable<T>): Iterable<T> {
  try {
    yield* items
  } catch (cause) {
    throw unreadable(cause)
  }
}

function orUnreadable<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw unreadable(cause)
  }
}

const unreadable = (cause: unknown): StateUnreadableFault =>
  new StateUnreadableFault(`its state cannot be read: ${(cause as Error).message}`, { cause })
