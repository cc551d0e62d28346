import { asyncScheduler } from 'rxjs'
import type { Log, OperatorContext } from '../component/context.ts'
import { memoryState } from '../component/state.ts'
import { readTable } from '../component/tableStore.ts'

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * What an operator is given, for a test of it alone: state in memory, no log, the working directory, and RxJS's
 * asyncScheduler, which runs on virtual time inside `marbles`.
 */
export const operatorContext = (parts: Partial<OperatorContext> = {}): OperatorContext => ({
  name: 'stream.operator',
  scheduler: asyncScheduler,
  directory: process.cwd(),
  log: silentLog,
  signal: new AbortController().signal,
  partition: 0,
  state: memoryState(),
  table: () => readTable(memoryState()),
  ...parts,
})
