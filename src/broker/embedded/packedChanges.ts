import type { StateChange } from '../broker.ts'

/** Changes of state as another thread gets them fast: a buffer for each would be copied by itself. */
export interface PackedChanges {
  readonly stores: readonly string[]
  readonly keys: readonly string[]
  /** Of the values, in bytes; -1 where the key is deleted. */
  readonly sizes: Int32Array<ArrayBuffer>
  /** One after another, in memory of their own. */
  readonly values: Uint8Array<ArrayBuffer>
}

const none = -1

export function packChanges(changes: readonly StateChange[]): PackedChanges {
  const sizes = Int32Array.from(changes, ({ value }) => value?.length ?? none)
  const values = new Uint8Array(changes.reduce((sum, { value }) => sum + (value?.length ?? 0), 0))
  let position = 0
  for (const { value } of changes) {
    if (!value) continue
    values.set(value, position)
    position += value.length
  }
  return { stores: changes.map(({ store }) => store), keys: changes.map(({ key }) => key), sizes, values }
}

export function unpackChanges({ stores, keys, sizes, values }: PackedChanges): StateChange[] {
  let position = 0
  return keys.map((key, at) => {
    const size = sizes[at]!
    if (size === none) return { store: stores[at]!, key, value: null }
    const value = Buffer.from(values.buffer, position, size)
    position += size
    return { store: stores[at]!, key, value }
  })
}
