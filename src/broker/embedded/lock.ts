import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BrokerError } from '../broker.ts'
import { asBrokerError, resultCode } from './failure.ts'

/** Holds a data directory for this process until it is released or the process dies, however it dies. */
export interface Lock {
  release(): void
}

/** Who holds a data directory, as a note for whoever comes second. */
interface Owner {
  readonly pid: number
  readonly command: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

const busy = 5

/**
 * Takes the data directory for one running pipeline. The lock is the operating system's, held through an open
 * transaction on a file of its own, so nothing is left behind that a crash would have to clean up.
 * @throws BrokerError naming the process that has it
 */
export function lockDirectory(directory: string): Lock {
  const path = join(directory, 'owner.lock')
  const note = join(directory, 'owner.json')
  const database = new DatabaseSync(path, { open: false, timeout: 0 })
  try {
    database.open()
    database.exec('BEGIN EXCLUSIVE')
    writeNote(note, { pid: process.pid, command: command(), since: Date.now() })
  } catch (thrown) {
    if (database.isOpen) database.close()
    throw resultCode(thrown) === busy ? inUse(directory, note) : asBrokerError(thrown, path)
  }
  return {
    release: () => {
      if (!database.isOpen) return
      rmSync(note, { force: true })
      database.close()
    },
  }
}

function inUse(directory: string, note: string): BrokerError {
  const owner = readNote(note)
  const who = owner ? `process ${owner.pid} (${owner.command}, since ${clockTime(owner.since)})` : 'another process'
  return new BrokerError(`${directory} is in use by ${who}. Stop it, or give this one its own --data directory.`)
}

/** By renaming, so that a note is always read whole. */
function writeNote(path: string, owner: Owner): void {
  const draft = `${path}.${owner.pid}`
  writeFileSync(draft, JSON.stringify(owner))
  renameSync(draft, path)
}

function readNote(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner
  } catch (error) {
    // The owner has the lock, but has not written its note yet.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The command as one would recognise it, such as "oxbow run". */
function command(): string {
  const [, script = 'node', verb = ''] = process.argv
  const file = basename(script, extname(script))
  const name = file === 'main' ? 'oxbow' : file
  return /^[a-z]+$/.test(verb) ? `${name} ${verb}` : name
}

/** Local time; with the date unless it is today's. */
function clockTime(milliseconds: number): string {
  const at = new Date(milliseconds)
  const time = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  const today = at.toDateString() === new Date().toDateString()
  return today ? time : `${at.toLocaleDateString('en-CA')} ${time}`
}
