import { isUtf8 } from 'node:buffer'
import type { Record } from '../record/record.ts'
import { KeylessFault } from './keyless.ts'
import type { StateStore, TableReader, TableRow } from './state.ts'

const encoded = 'base64:'

/** A key as text, as stores have it: bytes that are no text, or would look like those, as base64. */
function keyName(key: Buffer): string {
  const text = isUtf8(key) ? key.toString() : undefined
  return text === undefined || text.startsWith(encoded) ? encoded + key.toString('base64') : text
}

/** A table over a state store: the last record of each key. */
export const readTable = (store: Pick<StateStore, 'get'>): TableReader => ({
  get: (key) => store.get(keyName(key)) as TableRow | undefined,
})

/** What a table is written to. */
export type WritableTable = Pick<StateStore, 'set' | 'delete'>

/** @throws KeylessFault */
export function writeTable(store: WritableTable, name: string, { key, value, timestamp }: Record): void {
  if (key === null)
    throw new KeylessFault(
      `The table ${name} keeps records by their keys, and this one has none; \`keyBy\` gives it one.`,
    )
  if (value === null || value === undefined) store.delete(keyName(key))
  else store.set(keyName(key), { value, timestamp } satisfies TableRow)
}
