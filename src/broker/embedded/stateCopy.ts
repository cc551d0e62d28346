import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StateChange, StateReader, StoreInfo } from '../broker.ts'
import { openDatabase } from './database.ts'
import { makeDirectory } from './directory.ts'
import { openState } from './state.ts'

/** How much of which original a copy has. */
export interface CopyOf {
  /** Changes when the topic is made anew. */
  readonly topicId: string
  /** The offset after the last record that it has. */
  readonly position: number
}

/** A local copy of tasks' state whose original is elsewhere: in memory, or in a file that outlives the process. */
export interface StateCopy {
  /** What the file had when it was opened, if it is of use. */
  readonly found: CopyOf | undefined
  /**
   * Makes the changes of several tasks at once.
   * @param of how far it has come with them, if that is known
   * @throws BrokerError when it cannot be written; it is as it was found at an earlier time then, and closed
   */
  change(changes: ReadonlyMap<string, readonly StateChange[]>, of?: CopyOf): void
  reader(task: string): StateReader
  /** Those of all its tasks that have entries. */
  stores(): readonly StoreInfo[]
  /** What a file has is kept. */
  close(): void
}

export interface CopyOptions {
  /** Where to keep it; in memory when absent. */
  readonly file?: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A file is written after so many changes, together: what came since is read again after a crash. */
const changesPerWrite = 50_000
/** After so many milliseconds the original may have forgotten what was deleted meanwhile: half of what Kafka keeps it. */
const freshFor = 12 * 3_600_000

/** Where a copy keeps what it is of. */
const [own, about, store, key] = ['', '$copy', 'of', '']

/** @throws BrokerError when another process has the file, or it cannot be used */
export function openStateCopy({ file = ':memory:', now }: CopyOptions): StateCopy {
  const isFile = file !== ':memory:'
  if (isFile) makeDirectory(dirname(file))
  const database = openDatabase(file, 'alone')
  const state = openState(database)
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  let unwritten = 0
  let last: CopyOf | undefined

  const note = state.reader(own, about).get(store, key)
  const kept = note && (JSON.parse(note.toString()) as CopyOf & { readonly at: number })
  const found = kept && now() - kept.at < freshFor ? { topicId: kept.topicId, position: kept.position } : undefined

  const change = (changes: ReadonlyMap<string, readonly StateChange[]>, of: CopyOf | undefined): void => {
    if (unwritten === 0) begin.run()
    for (const [task, each] of changes) {
      state.change(own, task, each)
      unwritten += each.length
    }
    unwritten++
    last = of ?? last
    if (!isFile || unwritten >= changesPerWrite) write()
  }
  const write = (): void => {
    if (last) state.change(own, about, [{ store, key, value: Buffer.from(JSON.stringify({ ...last, at: now() })) }])
    commit.run()
    unwritten = 0
  }
  return {
    found,
    change: (changes, of) => {
      let done = false
      try {
        database.read(() => change(changes, of))
        done = true
      } finally {
        if (!done) database.close() // which undoes what was not written
      }
    },
    reader: (task) => state.reader(own, task),
    stores: () => database.read(() => state.stores(own)).filter(({ task }) => task !== about),
    close: () => {
      if (unwritten > 0) database.read(write)
      database.close()
    },
  }
}

/** Deletes the file of a copy that is closed, if there is one. */
export function deleteStateCopy(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}
