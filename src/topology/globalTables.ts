import { BrokerError, globalTask, type Broker, type StateReader } from '../broker/broker.ts'
import type { TableReader } from '../component/state.ts'
import { readTable } from '../component/tableStore.ts'
import { Fault } from '../record/fault.ts'
import { decode } from './encoded.ts'
import { globalTablesOf, type Plan } from './plan.ts'

/** A global table cannot be followed: its rows may be out of date, so the task stops, and reads it anew. */
class TableUnreadableFault extends Fault {
  readonly code = 'table.unreadable'
  readonly disposition = 'halt'
}

/** The global tables of a plan, read to their end; undefined where it has none. */
export async function readGlobals({ name, subtopologies }: Plan, broker: Broker): Promise<StateReader | undefined> {
  const tables = subtopologies.flatMap(({ streams }) => globalTablesOf(streams))
  return tables.length === 0 ? undefined : broker.state(name, globalTask)
}

/** A global table as an operator reads it: its rows that are committed. */
export function readGlobal(state: StateReader, name: string): TableReader {
  const get = (key: string): unknown => {
    try {
      const bytes = state.get(name, key)
      return bytes && decode(bytes)
    } catch (thrown) {
      if (!(thrown instanceof BrokerError)) throw thrown
      throw new TableUnreadableFault(`The table ${name} cannot be read: ${thrown.message}`, { cause: thrown })
    }
  }
  return readTable({ get })
}
