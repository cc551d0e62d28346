import { rmSync } from 'node:fs'
import { openDatabase, type Database } from '../../broker/embedded/database.ts'
import { resultCode } from '../../broker/embedded/failure.ts'
import { indexSchema } from './indexSchema.ts'
import { indexStatements, type IndexStatements } from './indexStatements.ts'

interface OpenIndex {
  readonly database: Database
  readonly sql: IndexStatements
}

/** A file that is damaged, or of another version, is no loss: it is made anew. @param file a temporary one when empty */
export function openIndex(file: string): OpenIndex {
  try {
    return open(file)
  } catch (thrown) {
    if (file === '' || !ofNoUse.has(resultCode((thrown as Error).cause) & 0xff)) throw thrown
    for (const part of [file, `${file}-wal`, `${file}-shm`]) rmSync(part, { force: true })
    return open(file)
  }
}

/** SQLite's codes for what it does not know in a schema, for damage, and for what is no database. */
const ofNoUse = new Set([1, 11, 26])

function open(file: string): OpenIndex {
  const database = openDatabase(file, 'view', indexSchema)
  try {
    return { database, sql: indexStatements(database) }
  } catch (thrown) {
    database.close()
    throw thrown
  }
}
