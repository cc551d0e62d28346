import { DatabaseSync } from 'node:sqlite'
import { BrokerError } from '../broker.ts'
import { asBrokerError } from './failure.ts'
import { brokerSchema, checkCurrent, checkSchema, migrate, type Schema } from './schema.ts'

type Value = null | number | bigint | string | Uint8Array

/** A prepared statement whose rows have a known shape. */
export interface Statement<Row> {
  get(...values: readonly Value[]): Row | undefined
  all(...values: readonly Value[]): readonly Row[]
  iterate(...values: readonly Value[]): Iterable<Row>
  run(...values: readonly Value[]): unknown
}

/** A connection; whatever SQLite reports through it is a BrokerError. */
export interface Database {
  prepare<Row = never>(sql: string): Statement<Row>
  /** Runs reads. */
  read<T>(work: () => T): T
  /** Runs writes as one transaction, alone among all processes: durable when it returns, undone when it throws. */
  write<T>(work: () => T): T
  /** A number that changes whenever another connection has committed. */
  version(): number
  close(): void
}

const pageBytes = 8_192
const checkpointBytes = 16_777_216
/** Saves a third of the system time where state is larger than SQLite's own 2 MB; more saves no more. */
const cacheKiB = 16_384
/** A copy of state, or a view, is written at random while it is made. */
const copyCacheKiB = 32_768
const lockTimeout = 30_000

/** How a database is used. */
type Use = 'read' | 'write' | 'alone' | 'view'

/**
 * @param file a path, ":memory:", or "" for a temporary file
 * @param use `view` leaves the moment of writing to the system: what is committed may be lost when the machine stops, though
 *   never in part; `alone` does so too, and keeps everybody else out, at once
 * @throws BrokerError when it is no database of this version of Oxbow, or is somebody's alone
 */
export function openDatabase(file: string, use: Use, schema = brokerSchema): Database {
  const readOnly = use === 'read'
  const database = openFile(file, use, schema)
  const dataVersion = database.prepare('PRAGMA data_version') as unknown as Statement<{ data_version: number }>
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const rollback = database.prepare('ROLLBACK')

  const read = <T>(work: () => T): T => {
    if (!database.isOpen) throw new BrokerError(`The broker on ${file} is closed.`)
    try {
      return work()
    } catch (thrown) {
      throw asBrokerError(thrown, file)
    }
  }

  return {
    prepare: (sql) => read(() => database.prepare(sql) as unknown as Statement<never>),
    read,
    write: (work) =>
      read(() => {
        if (readOnly) throw new BrokerError(`${file} was opened for reading only.`)
        begin.run()
        try {
          const result = work()
          commit.run()
          return result
        } finally {
          if (database.isTransaction) rollback.run()
        }
      }),
    version: () => read(() => dataVersion.get()!.data_version),
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

function openFile(file: string, use: Use, schema: Schema): DatabaseSync {
  const readOnly = use === 'read'
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly, timeout: use === 'alone' ? 0 : lockTimeout })
    if (use === 'alone') database.exec('PRAGMA locking_mode = EXCLUSIVE')
    if (readOnly) {
      checkCurrent(database, file, schema)
      return database
    }
    checkSchema(database, file, schema)
    database.exec(`
      PRAGMA page_size = ${pageBytes};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${use === 'write' ? 'FULL' : 'NORMAL'};
      PRAGMA cache_size = -${use === 'write' ? cacheKiB : copyCacheKiB};
      PRAGMA wal_autocheckpoint = ${checkpointBytes / pageBytes};
      PRAGMA journal_size_limit = ${checkpointBytes};`)
    migrate(database, file, schema)
    return database
  } catch (thrown) {
    database?.close()
    throw asBrokerError(thrown, file)
  }
}
