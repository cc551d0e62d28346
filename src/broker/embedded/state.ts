import type { StateChange, StateReader, StoreInfo } from '../broker.ts'
import type { Database, Statement } from './database.ts'

/** The state of all tasks. */
export interface StateTable {
  /** To be called inside a transaction; once a task, where the database is used on after it was undone. */
  change(group: string, task: string, changes: readonly StateChange[]): void
  reader(group: string, task: string): StateReader
  /** Those with entries, by task and name. */
  stores(group: string): readonly StoreInfo[]
  /** Deletes the state of a group; to be called inside a transaction. */
  clear(group: string): void
}

/** Entries are fetched in pages, so that commits may come between one entry and the next: often one is all that is wanted. */
const firstPage = 8
const pageSize = 256

/** Rows of one statement: one by one they take twice the time. */
const rowsAtOnce = 32
const valuesAtOnce = 3 * rowsAtOnce

export function openState(database: Database): StateTable {
  const numbers = new Map<string, number>()
  const find = database.prepare<{ id: number }>(
    'SELECT id FROM store WHERE consumer_group = ? AND task = ? AND name = ?',
  )
  const create = database.prepare<{ id: number }>(
    'INSERT INTO store (consumer_group, task, name) VALUES (?, ?, ?) RETURNING id',
  )
  const get = database.prepare<{ value: Uint8Array }>('SELECT value FROM entry WHERE store = ? AND key = ?')
  const [set, setAll] = [1, rowsAtOnce].map((rows) =>
    database.prepare(
      `INSERT OR REPLACE INTO entry VALUES ${Array.from({ length: rows }, () => '(?, ?, ?)').join(', ')}`,
    ),
  ) as [Statement<never>, Statement<never>]
  const remove = database.prepare('DELETE FROM entry WHERE store = ? AND key = ?')
  const [entries, keys] = ['key, value', 'key'].map((columns) => ({
    from: database.prepare<Entry>(`SELECT ${columns} FROM entry WHERE store = ? AND key >= ? ORDER BY key LIMIT ?`),
    between: database.prepare<Entry>(
      `SELECT ${columns} FROM entry WHERE store = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
    ),
  })) as [Range, Range]
  const stores = database.prepare<StoreInfo>(
    `SELECT task, name, count(*) AS entries, sum(octet_length(key) + octet_length(value)) AS bytes
     FROM store JOIN entry ON entry.store = store.id WHERE consumer_group = ? GROUP BY id ORDER BY task, name`,
  )
  const empty = database.prepare('DELETE FROM entry WHERE store IN (SELECT id FROM store WHERE consumer_group = ?)')

  /** A number never changes once it is committed; one that was only just made may be undone, and is not remembered. */
  const numberOf = (group: string, task: string, store: string): number | undefined => {
    const name = `${group}\0${task}\0${store}`
    const known = numbers.get(name)
    if (known !== undefined) return known
    const found = find.get(group, task, store)?.id
    if (found !== undefined) numbers.set(name, found)
    return found
  }

  /** Rows of a store in pages. */
  function* rowsOf(range: Range, number: () => number | undefined, first: string, to: string | undefined) {
    const page = (start: string, size: number): readonly Entry[] =>
      database.read(() => {
        const store = number()
        if (store === undefined) return []
        return to === undefined ? range.from.all(store, start, size) : range.between.all(store, start, to, size)
      })
    let size = firstPage
    let rows = page(first, size)
    while (rows.length > 0) {
      yield* rows
      if (rows.length < size) return
      size = pageSize
      rows = page(justAfter(rows.at(-1)!.key), size)
    }
  }

  return {
    change: (group, task, changes) => {
      for (const [store, own] of Map.groupBy(changes, ({ store }) => store)) {
        const number = numberOf(group, task, store) ?? create.get(group, task, store)!.id
        let rows: (number | string | Buffer)[] = []
        const write = () => {
          if (rows.length === valuesAtOnce) setAll.run(...rows)
          else for (let at = 0; at < rows.length; at += 3) set.run(...rows.slice(at, at + 3))
          rows = []
        }
        for (const { key, value } of own) {
          if (value === null) {
            write()
            remove.run(number, key)
            continue
          }
          rows.push(number, key, value)
          if (rows.length === valuesAtOnce) write()
        }
        write()
      }
    },
    reader: (group, task) => ({
      get: (store, key) =>
        database.read(() => {
          const number = numberOf(group, task, store)
          const row = number === undefined ? undefined : get.get(number, key)
          return row && asBuffer(row.value)
        }),
      *entries(store, first = '', to) {
        for (const { key, value } of rowsOf(entries, () => numberOf(group, task, store), first, to))
          yield [key, asBuffer(value)]
      },
      *keys(store, first = '', to) {
        for (const { key } of rowsOf(keys, () => numberOf(group, task, store), first, to)) yield key
      },
    }),
    stores: (group) => stores.all(group).map((row) => ({ ...row })),
    clear: (group) => void empty.run(group),
  }
}

interface Entry {
  readonly key: string
  readonly value: Uint8Array
}

/** Reads those of a store from a key on, to another one or to the end. */
interface Range {
  readonly from: Statement<Entry>
  readonly between: Statement<Entry>
}

/** The least string that sorts after another one. */
const justAfter = (key: string): string => `${key}\0`

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
