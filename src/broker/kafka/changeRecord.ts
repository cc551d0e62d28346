import type { Header, StoredRecord } from '../../record/record.ts'
import type { StateChange } from '../broker.ts'
import { PackedRecords } from './packedRecords.ts'

const separator = '\0'
const noHeaders: readonly Header[] = []

/** Stands for the size of a value where there is none. */
const none = -1

/** Changes of a task's state, with what the compacted topic gets that keeps it; as objects only when they are looked at. */
export class PackedChanges implements Iterable<StateChange> {
  readonly task: string
  readonly records: PackedRecords
  readonly #stores: readonly string[]
  readonly #keys: readonly string[]
  readonly #sizes: readonly number[]

  /** @param timestamp of the records, milliseconds since the epoch */
  constructor(task: string, changes: readonly StateChange[], timestamp: number) {
    this.task = task
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
  for (const { key, value } of records) {
    const name = key!.toString()
    const taskEnd = name.indexOf(separator)
    const storeEnd = name.indexOf(separator, taskEnd + 1)
    const task = name.slice(0, taskEnd)
    const change = { store: name.slice(taskEnd + 1, storeEnd), key: name.slice(storeEnd + 1), value }
    const own = changes.get(task)
    if (own) own.push(change)
    else changes.set(task, [change])
  }
  return changes
}
