import type { Header, StoredRecord } from '../../record/record.ts'
import type { StateChange } from '../broker.ts'
import { PackedRecords } from './packedRecords.ts'

const separator = '\0'
const noHeaders: readonly Header[] = []

/** Stands for the size of a value where there is none. */
const none = -1

/** Changes of a task's state, with what the compacted topic gets that keeps it; as objects only when they are looked at. */
export class PackedChanges implements Iterable<StateChange> {
  readonly records: PackedRecords
  readonly #stores: readonly string[]
  readonly #keys: readonly string[]
  readonly #sizes: readonly number[]

  /** @param timestamp of the records, milliseconds since the epoch */
  constructor(task: string, changes: readonly StateChange[], timestamp: number) {
    this.#stores = changes.map(({ store }) => store)
    this.#keys = changes.map(({ key }) => key)
    this.#sizes = changes.map(({ value }) => value?.length ?? none)
    this.records = PackedRecords.of(
      changes.map(({ store, key, value }) => ({
        key: task + separator + store + separator + key,
        value,
        headers: noHeaders,
        timestamp,
      })),
    )
  }

  get length(): number {
    return this.#keys.length
  }

  *[Symbol.iterator](): Iterator<StateChange> {
    for (let at = 0; at < this.length; at++) {
      const size = this.#sizes[at]!
      const value = size === none ? null : this.records.valueOf(at, size)
      yield { store: this.#stores[at]!, key: this.#keys[at]!, value }
    }
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
