import type { StateChange } from '../broker.ts'

/** What a key takes in memory beside its text, in bytes, about. */
const overhead = 64
/** Bytes of the memory for values at first, and what is kept of it for the next ones. */
const [fewBytes, manyBytes] = [65_536, 8_388_608]
const sizeBytes = 4

/** Stands for a value, where the key is to be deleted. */
const gone = -1

/**
 * Changes of tasks' stores that wait to be written together: of those of one key the last one is left. Their values lie one
 * after another in one piece of memory, for as many objects as changes would keep the garbage collector busy.
 */
export class Unwritten {
  /** By task, store and key: where the value is, after its size. */
  readonly #tasks = new Map<string, Map<string, Map<string, number>>>()
  #values = Buffer.allocUnsafeSlow(fewBytes)
  #used = 0
  #keyBytes = 0

  /** What they take in memory, in bytes, about. */
  get bytes(): number {
    return this.#used + this.#keyBytes
  }

  add(task: string, changes: Iterable<StateChange>): void {
    const stores = entryOf(this.#tasks, task)
    for (const { store, key, value } of changes) {
      const entries = entryOf(stores, store)
      const known = entries.get(key)
      const place = value === null ? gone : this.#keep(value, known)
      if (place !== known) entries.set(key, place)
      if (known === undefined) this.#keyBytes += overhead + key.length
    }
  }

  /** The value that a key is to have; null where it is to be deleted, undefined where nothing is to be written. */
  get(task: string, store: string, key: string): Buffer | null | undefined {
    const place = this.#tasks.get(task)?.get(store)?.get(key)
    if (place === undefined) return undefined
    return place === gone ? null : Buffer.from(this.#valueAt(place))
  }

  /** Whether there are any of a store. */
  has(task: string, store: string): boolean {
    return this.#tasks.get(task)?.has(store) ?? false
  }

  /** All of them, those of a store in the order of their keys, which a database takes fastest; valid until more are added. */
  *[Symbol.iterator](): Iterator<readonly [task: string, changes: readonly StateChange[]]> {
    for (const [task, stores] of this.#tasks) {
      for (const [store, entries] of stores) {
        const changes = [...entries.keys()].sort().map((key) => {
          const place = entries.get(key)!
          return { store, key, value: place === gone ? null : this.#valueAt(place) }
        })
        yield [task, changes]
      }
    }
  }

  /** They are written. */
  clear(): void {
    this.#tasks.clear()
    this.#used = 0
    this.#keyBytes = 0
    if (this.#values.length > manyBytes) this.#values = Buffer.allocUnsafeSlow(fewBytes)
  }

  /** @param known where the key's value was @returns where it is */
  #keep(value: Buffer, known: number = gone): number {
    const isRoom = known !== gone && this.#values.readUInt32LE(known) === value.length
    const place = isRoom ? known : this.#place(value.length)
    this.#values.set(value, place + sizeBytes)
    return place
  }

  #place(size: number): number {
    const place = this.#used
    this.#used += sizeBytes + size
    if (this.#used > this.#values.length) this.#grow()
    this.#values.writeUInt32LE(size, place)
    return place
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#used, 2 * this.#values.length))
    larger.set(this.#values)
    this.#values = larger
  }

  #valueAt(place: number): Buffer {
    const start = place + sizeBytes
    return this.#values.subarray(start, start + this.#values.readUInt32LE(place))
  }
}

function entryOf<T>(maps: Map<string, Map<string, T>>, name: string): Map<string, T> {
  const known = maps.get(name)
  if (known) return known
  const made = new Map<string, T>()
  maps.set(name, made)
  return made
}
