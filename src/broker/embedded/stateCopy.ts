import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StateChange, StateReader, StoreInfo } from '../broker.ts'
import { openDatabase } from './database.ts'
import { makeDirectory } from './directory.ts'
import { openState } from './state.ts'
import { Unwritten, type Changes } from './unwritten.ts'

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
  /** Whether it can be used: not any more when it was closed, or could not be written. */
  readonly isOpen: boolean
  /**
   * Makes the changes of several tasks at once; those of one task may come in parts.
   * @param of how far it has come with them, if that is known
   * @throws BrokerError when it cannot be written; it is as it was found at an earlier time then, and closed
   */
  change(changes: Iterable<readonly [task: string, Changes]>, of?: CopyOf): void
  /** Makes changes of a copy that nobody reads yet: written at once, best in the order of their keys, and kept from `filled` on. */
  fill(changes: ReadonlyMap<string, readonly StateChange[]>): void
  /** @param of how far it has come with what it was filled with, if that is known */
  filled(of?: CopyOf): void
  /** What it reads may have to be written first: it throws as `change` does. */
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

/** A file is committed after so many changes, together: what came since is read again after a crash. */
const changesPerCommit = 50_000
/** Changes wait in memory up to so many bytes, for a later change of the same key makes the earlier one needless. */
const waitingBytes = 4_194_304
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
  const unwritten = new Unwritten()
  /** Since the last commit of the database. */
  let changed = 0
  let isWriting = false
  let isOpen = true
  let last: CopyOf | undefined

  const note = state.reader(own, about).get(store, key)
  const kept = note && (JSON.parse(note.toString()) as CopyOf & { readonly at: number })
  const found = kept && now() - kept.at < freshFor ? { topicId: kept.topicId, position: kept.position } : undefined

  const change = (changes: Iterable<readonly [task: string, Changes]>, of: CopyOf | undefined): void => {
    for (const [task, each] of changes) {
      unwritten.add(task, each)
      changed += each.length
    }
    changed++
    last = of ?? last
    if (isFile && changed >= changesPerCommit) commitAll()
    else if (unwritten.bytes >= waitingBytes) write()
  }
  const fill = (changes: ReadonlyMap<string, readonly StateChange[]>): void => {
    if (changed > 0) settle()
    start()
    for (const [task, each] of changes) state.change(own, task, each)
  }
  const filled = (of: CopyOf | undefined): void => {
    last = of ?? last
    settle()
  }
  /** What was changed so far is what a file has for good. */
  const settle = (): void => (isFile ? commitAll() : write())
  const start = (): void => {
    if (!isWriting) begin.run()
    isWriting = true
  }
  /** Brings what waits into the database. */
  const write = (): void => {
    start()
    for (const [task, changes] of unwritten) state.change(own, task, changes)
    unwritten.clear()
    if (!isFile) end()
  }
  const end = (): void => {
    commit.run()
    isWriting = false
  }
  const commitAll = (): void => {
    write()
    if (last) state.change(own, about, [{ store, key, value: Buffer.from(JSON.stringify({ ...last, at: now() })) }])
    end()
    changed = 0
  }
  /** A write that fails leaves nothing half done: what was committed last is what there is. */
  const orClose = (work: () => void): void => {
    try {
      database.read(work)
    } catch (thrown) {
      close()
      throw thrown
    }
  }
  const close = (): void => {
    isOpen = false
    unwritten.clear()
    database.close()
  }
  const reader = (task: string): StateReader => {
    const written = state.reader(own, task)
    return {
      get: (store, key) => {
        const value = unwritten.get(task, store, key)
        return value === undefined ? written.get(store, key) : (value ?? undefined)
      },
      *entries(store, from, to) {
        if (unwritten.has(task, store)) orClose(write)
        yield* written.entries(store, from, to)
      },
      *keys(store, from, to) {
        if (unwritten.has(task, store)) orClose(write)
        yield* written.keys(store, from, to)
      },
    }
  }
  return {
    found,
    get isOpen() {
      return isOpen
    },
    change: (changes, of) => orClose(() => change(changes, of)),
    fill: (changes) => orClose(() => fill(changes)),
    filled: (of) => orClose(() => filled(of)),
    reader,
    stores: () => {
      orClose(write)
      return database.read(() => state.stores(own)).filter(({ task }) => task !== about)
    },
    close: () => {
      // Not what it is just being filled with: half of it is no state that there ever was.
      if (isOpen && isFile && changed > 0) orClose(commitAll)
      close()
    },
  }
}

/** Deletes the file of a copy that is closed, if there is one. */
export function deleteStateCopy(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}
