import { globalTask, type Broker, type StateReader } from '../broker/broker.ts'
import type { TableRow } from '../component/state.ts'
import { decode } from '../topology/encoded.ts'
import { stateOf } from '../topology/held.ts'
import { globalTablesOf, type Plan } from '../topology/plan.ts'

/** What the tasks of a pipeline keep, as it was committed last. */
export interface Stores {
  /** The rows of each table by their keys; a key that is no text is "base64:…". */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, TableRow>>
  /** The state of each operator by its id; its keys and values are the operator's own. */
  readonly state: ReadonlyMap<string, ReadonlyMap<string, unknown>>
}

/** The names of a plan's tables. */
export const tablesOf = ({ subtopologies }: Plan): string[] =>
  subtopologies.flatMap(({ streams }) =>
    streams.flatMap(({ sinks }) => sinks.flatMap(({ table, global }) => table ?? global ?? [])),
  )

/** The ids of a plan's operators. */
export const operatorsOf = ({ subtopologies }: Plan): string[] =>
  subtopologies.flatMap(({ streams }) => streams.flatMap(({ steps }) => steps.map(({ id }) => id)))

/** Reads all stores of a plan whose topics have one partition. */
export async function readStores(plan: Plan, broker: Broker): Promise<Stores> {
  const own = await broker.state(plan.name, stateOf(0))
  const global = await broker.state(plan.name, globalTask)
  const globals = plan.subtopologies.flatMap(({ streams }) => globalTablesOf(streams))
  const read = <T>(name: string, reader: StateReader) =>
    new Map([...reader.entries(name)].map(([key, bytes]) => [key, decode<T>(bytes)] as const))
  return {
    tables: new Map(tablesOf(plan).map((name) => [name, read<TableRow>(name, globals.includes(name) ? global : own)])),
    state: new Map(operatorsOf(plan).map((id) => [id, read(id, own)])),
  }
}
