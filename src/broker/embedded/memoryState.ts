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
  return {
    change: (group, changes) =>
      database.write(() => {
        for (const [task, own] of changes) state.change(group, task, own)
      }),
    reader: (group, task) => state.reader(group, task),
    clear: (group, has) =>
      database.write(() => {
        for (const task of state.tasks(group)) if (has(task)) state.clear(group, task)
      }),
    close: () => database.close(),
  }
}
