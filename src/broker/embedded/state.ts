import type { StateChange, StateReader } from '../broker.ts'
import type { Database } from './database.ts'

/** The state of all tasks. */
export interface StateTable {
  /** To be called inside a transaction. */
  change(group: string, task: string, changes: readonly StateChange[]): void
  reader(group: string, task: string): StateReader
}

/** Entries are fetched in pages, so that commits may come between one entry and the next. */
const pageSize = 256

export function openState(database: Database): StateTable {
  const place = 'consumer_group = ? AND task = ? AND store = ?'
  const get = database.prepare<{ value: Uint8Array }>(`SELECT value FROM state WHERE ${place} AND key = ?`)
  const set = database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)')
  const remove = database.prepare(`DELETE FROM state WHERE ${place} AND key = ?`)
  const from = database.prepare<Entry>(
    `SELECT key, value FROM state WHERE ${place} AND key >= ? ORDER BY key LIMIT ${pageSize}`,
  )
  const between = database.prepare<Entry>(
    `SELECT key, value FROM state WHERE ${place} AND key >= ? AND key < ? ORDER BY key LIMIT ${pageSize}`,
  )

  return {
    change: (group, task, changes) => {
      for (const { store, key, value } of changes) {
        if (value === null) remove.run(group, task, store, key)
        else set.run(group, task, store, key, value)
      }
    },
    reader: (group, task) => ({
      get: (store, key) => {
        const row = database.read(() => get.get(group, task, store, key))
        return row && asBuffer(row.value)
      },
      *entries(store, first = '', to) {
        const page = (start: string): readonly Entry[] =>
          database.read(() =>
            to === undefined ? from.all(group, task, store, start) : between.all(group, task, store, start, to),
          )
        let rows = page(first)
        while (rows.length > 0) {
          for (const { key, value } of rows) yield [key, asBuffer(value)]
          rows = rows.length < pageSize ? [] : page(justAfter(rows.at(-1)!.key))
        }
      },
    }),
  }
}

interface Entry {
  readonly key: string
  readonly value: Uint8Array
}

/** The least string that sorts after another one. */
const justAfter = (key: string): string => `${key}\0`

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
