import type { StateChange } from '../broker.ts'

/** Where a change's value lies in bytes; it is null where it begins before them. */
export type ChangeVisitor = (store: string, key: string, bytes: Buffer, start: number, end: number) => void

/** Changes that are no objects. */
export interface LocatedChanges {
  readonly length: number
  each(visit: ChangeVisitor): void
}

/** Changes of a task's state, in their order. */
export type Changes = readonly StateChange[] | LocatedChanges

/** What a key takes in memory beside its text, in bytes, about. */
const overhead = 64
/** Bytes of the memory for values at first, and what is kept of it for the next ones. */
const [fewBytes, manyBytes] = [65_536, 8_388_608]
const sizeBytes = 4
/** Up to so many bytes one by one are copied faster than by a call. */
const fewToCopy = 64

/** Stands for a value, where the key is to be deleted. */
const gone = -1
const noBytes = Buffer.alloc(0)

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

  add(task: string, changes: Changes): void {
    const stores = entryOf(this.#tasks, task)
    let last: string | undefined
    let entries: Map<string, number>
    visitEach(changes, (store, key, bytes, start, end) => {
      if (store !== last) entries = entryOf(stores, (last = store))
      const known = entries.get(key)
      const place = start < 0 ? gone : this.#keep(bytes, start, end, known)
      if (place !== known) entries.set(key, place)
      if (known === undefined) this.#keyBytes += overhead + key.length
    })
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
  #keep(bytes: Buffer, start: number, end: number, known: number = gone): number {
    const size = end - start
    const isRoom = known !== gone && this.#values.readUInt32LE(known) === size
    const place = isRoom ? known : this.#place(size)
    if (size > fewToCopy) bytes.copy(this.#values, place + sizeBytes, start, end)
    else for (let at = 0; at < size; at++) this.#values[place + sizeBytes + at] = bytes[start + at]!
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

function visitEach(changes: Changes, visit: ChangeVisitor): void {
  if ('each' in changes) return changes.each(visit)
  for (const { store, key, value } of changes) visit(store, key, value ?? noBytes, value ? 0 : gone, value?.length ?? 0)
}

function entryOf<T>(maps: Map<string, Map<string, T>>, name: string): Map<string, T> {
  const known = maps.get(name)
  if (known) return known
  const made = new Map<string, T>()
  maps.set(name, made)
  return made
}
