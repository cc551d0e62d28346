import { asyncScheduler } from 'rxjs'
import type { Log, OperatorContext } from '../../src/component/context.ts'
import { memoryState } from '../../src/component/state.ts'
import { readTable } from '../../src/component/tableStore.ts'

/** A context for one operator: state in memory, the scheduler that marble tests make virtual, a log that says nothing. */
export const context = (more: Partial<OperatorContext> = {}): OperatorContext => ({
  name: 'articles.operator',
  scheduler: asyncScheduler,
  directory: process.cwd(),
  log: silent,
  signal: new AbortController().signal,
  partition: 0,
  state: memoryState(),
  table: () => readTable(memoryState()),
  ...more,
})

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
