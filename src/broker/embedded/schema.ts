import type { DatabaseSync } from 'node:sqlite'
import { BrokerError } from '../broker.ts'

/** What a database file of Oxbow has. */
export interface Schema {
  /** In the header of the file, so that no other file is taken for one. */
  readonly applicationId: number
  /** One script a version; what is released is never changed, only added to. */
  readonly migrations: readonly string[]
}

const migrations = [
  `CREATE TABLE topic (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     retention INTEGER
   ) STRICT;

   CREATE TABLE log (
     topic INTEGER NOT NULL,
     partition INTEGER NOT NULL,
     start_offset INTEGER NOT NULL DEFAULT 0,
     end_offset INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (topic, partition)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE batch (
     topic INTEGER NOT NULL,
     partition INTEGER NOT NULL,
     base_offset INTEGER NOT NULL,
     count INTEGER NOT NULL,
     first_timestamp INTEGER NOT NULL,
     max_timestamp INTEGER NOT NULL,
     records BLOB NOT NULL,
     PRIMARY KEY (topic, partition, base_offset)
   ) STRICT;

   CREATE TABLE committed (
     consumer_group TEXT NOT NULL,
     topic INTEGER NOT NULL,
     partition INTEGER NOT NULL,
     next_offset INTEGER NOT NULL,
     PRIMARY KEY (consumer_group, topic, partition)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE state (
     consumer_group TEXT NOT NULL,
     task TEXT NOT NULL,
     store TEXT NOT NULL,
     key TEXT NOT NULL,
     value BLOB NOT NULL,
     PRIMARY KEY (consumer_group, task, store, key)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE ledger (
     consumer_group TEXT NOT NULL,
     source TEXT NOT NULL,
     stream TEXT NOT NULL,
     read INTEGER NOT NULL,
     emitted INTEGER NOT NULL,
     dropped INTEGER NOT NULL,
     dead INTEGER NOT NULL,
     PRIMARY KEY (consumer_group, source, stream)
   ) STRICT, WITHOUT ROWID;`,

  // The names of a store are said once, and not with every key.
  `CREATE TABLE store (
     id INTEGER PRIMARY KEY,
     consumer_group TEXT NOT NULL,
     task TEXT NOT NULL,
     name TEXT NOT NULL,
     UNIQUE (consumer_group, task, name)
   ) STRICT;

   CREATE TABLE entry (
     store INTEGER NOT NULL,
     key TEXT NOT NULL,
     value BLOB NOT NULL,
     PRIMARY KEY (store, key)
   ) STRICT, WITHOUT ROWID;

   INSERT INTO store (consumer_group, task, name) SELECT DISTINCT consumer_group, task, store FROM state;
   INSERT INTO entry
     SELECT store.id, state.key, state.value FROM state
     JOIN store ON store.consumer_group = state.consumer_group AND store.task = state.task AND store.name = state.store;
   DROP TABLE state;`,
]

/** That of the embedded broker, and of local copies of state: "OXBW". */
export const brokerSchema: Schema = { applicationId: 0x4f584257, migrations }

/**
 * Refuses a database that is not Oxbow's or is too new for this version.
 * @returns the version of its schema, 0 for a new, empty file
 */
export function checkSchema(database: DatabaseSync, file: string, { applicationId, migrations }: Schema): number {
  const { id, version, tables } = database.prepare(state).get() as unknown as State
  if (id !== applicationId && !(id === 0 && tables === 0)) {
    throw new BrokerError(`${file} is a database of another program. Move it away, or use another --data directory.`)
  }
  if (version > migrations.length) {
    throw new BrokerError(
      `${file} was written by a newer Oxbow (schema ${version}; this one knows up to ${migrations.length}). Upgrade Oxbow, or use another --data directory.`,
    )
  }
  return version
}

/** Brings the schema up to date, in one transaction; another process may be doing the same. */
export function migrate(database: DatabaseSync, file: string, schema: Schema): void {
  const { applicationId, migrations } = schema
  if (checkSchema(database, file, schema) === migrations.length) return
  database.exec('BEGIN IMMEDIATE')
  for (const script of migrations.slice(checkSchema(database, file, schema))) database.exec(script)
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}; COMMIT`)
}

/** @throws BrokerError when the schema is older than what this version reads */
export function checkCurrent(database: DatabaseSync, file: string, schema: Schema): void {
  const version = checkSchema(database, file, schema)
  if (version === schema.migrations.length) return
  throw new BrokerError(
    `${file} has schema ${version}, but ${schema.migrations.length} is needed to read it. Run a pipeline on it once: that brings it up to date.`,
  )
}

interface State {
  readonly id: number
  readonly version: number
  readonly tables: number
}

// One statement, and so one snapshot: another process may be making the schema at this moment.
const state = `
  SELECT application_id AS id, user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables
  FROM pragma_application_id, pragma_user_version`
