import type { StoredRecord } from '../../record/record.ts'
import type { StateChange } from '../broker.ts'
import type { ChangeVisitor, LocatedChanges } from '../embedded/unwritten.ts'
import { PackedRecords } from './packedRecords.ts'

const separator = '\0'

/** Stands for the size of a value where there is none, and for the place where it begins. */
const none = -1

/** Changes of a task's state, with what the compacted topic gets that keeps it: their values lie in its records. */
export class PackedChanges implements LocatedChanges {
  readonly records: PackedRecords
  readonly #stores: readonly string[]
  readonly #keys: readonly string[]
  readonly #sizes: readonly number[]

  /** @param timestamp of the records, milliseconds since the epoch */
  constructor(task: string, changes: readonly StateChange[], timestamp: number) {
    this.#stores = changes.map(({ store }) => store)
    this.#keys = changes.map(({ key }) => key)
    this.#sizes = changes.map(({ value }) => value?.length ?? none)
    this.records = PackedRecords.ofChanges(changes, beginnings(task), timestamp)
  }

  get length(): number {
    return this.#keys.length
  }

  each(visit: ChangeVisitor): void {
    const { bytes } = this.records
    for (let at = 0; at < this.#keys.length; at++) {
      const end = this.records.valueEndOf(at)
      const size = this.#sizes[at]!
      visit(this.#stores[at]!, this.#keys[at]!, bytes, size === none ? none : end - size, end)
    }
  }
}

/** What keys of a task's stores begin with; mostly it is what the one before begins with. */
function beginnings(task: string): (store: string) => Buffer {
  let last: string | undefined
  let beginning: Buffer
  return (store) => {
    if (store !== last) beginning = Buffer.from(task + separator + store + separator)
    last = store
    return beginning
  }
}

/** Such records as changes, by task, in their order. */
export function changesIn(records: readonly StoredRecord[]): Map<string, StateChange[]> {
  const changes = new Map<string, StateChange[]>()
  const names = new ChangeNames()
  for (const { key, value } of records) addChange(changes, names, key!, 0, key!.length, value)
  return changes
}

/** Adds what the record with a key, which lies somewhere in bytes, says. */
export function addChange(
  to: Map<string, StateChange[]>,
  names: ChangeNames,
  bytes: Buffer,
  start: number,
  end: number,
  value: Buffer | null,
): void {
  const from = names.read(bytes, start)
  const change = { store: names.store, key: bytes.toString('utf8', from, end), value }
  const own = to.get(names.task)
  if (own) own.push(change)
  else to.set(names.task, [change])
}

/** Reads the names that keys begin with; those of one key are mostly those of the one before. */
export class ChangeNames {
  task = ''
  store = ''
  #bytes: Uint8Array = Buffer.from(separator)

  /** @returns where what follows the names begins */
  read(bytes: Buffer, start: number): number {
    for (let at = 0; at < this.#bytes.length; at++)
      if (bytes[start + at] !== this.#bytes[at]) return this.#readAnew(bytes, start)
    return start + this.#bytes.length
  }

  #readAnew(bytes: Buffer, start: number): number {
    const taskEnd = bytes.indexOf(separator, start)
    const storeEnd = bytes.indexOf(separator, taskEnd + 1)
    this.task = bytes.toString('utf8', start, taskEnd)
    this.store = bytes.toString('utf8', taskEnd + 1, storeEnd)
    this.#bytes = Buffer.from(bytes.subarray(start, storeEnd + 1))
    return storeEnd + 1
  }
}
