import type { StateChange, StateReader } from '../broker.ts'
import { openDatabase } from './database.ts'
import { openState } from './state.ts'

/** State of tasks in memory, for a broker that keeps it elsewhere. */
export interface MemoryState {
  /** Makes the changes of several tasks at once. */
  change(group: string, changes: ReadonlyMap<string, readonly StateChange[]>): void
  reader(group: string, task: string): StateReader
  /** Deletes the state of tasks of a group. */
  clear(group: string, has: (task: string) => boolean): void
  close(): void
}

export function openMemoryState(): MemoryState {
  const database = openDatabase(':memory:', false)
  const state = openState(database)
  const tasks = database.prepare<{ task: string }>('SELECT DISTINCT task FROM state WHERE consumer_group = ?')
  const clear = database.prepare('DELETE FROM state WHERE consumer_group = ? AND task = ?')
  return {
    change: (group, changes) =>
      database.write(() => {
        for (const [task, own] of changes) state.change(group, task, own)
      }),
    reader: (group, task) => state.reader(group, task),
    clear: (group, has) =>
      database.write(() => {
        for (const { task } of tasks.all(group)) if (has(task)) clear.run(group, task)
      }),
    close: () => database.close(),
  }
}
