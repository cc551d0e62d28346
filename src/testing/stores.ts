import type { Broker } from '../broker/broker.ts'
import type { TableRow } from '../component/state.ts'
import { decode } from '../topology/encoded.ts'
import { stateOf } from '../topology/held.ts'
import type { Plan } from '../topology/plan.ts'

/** What the tasks of a pipeline keep, as it was committed last. */
export interface Stores {
  /** The rows of each table by their keys; a key that is no text is "base64:…". */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, TableRow>>
  /** The state of each operator by its id; its keys and values are the operator's own. */
  readonly state: ReadonlyMap<string, ReadonlyMap<string, unknown>>
}

/** The names of a plan's tables. */
export const tablesOf = ({ subtopologies }: Plan): string[] =>
  subtopologies.flatMap(({ streams }) => streams.flatMap(({ sinks }) => sinks.flatMap(({ table }) => table ?? [])))

/** The ids of a plan's operators. */
export const operatorsOf = ({ subtopologies }: Plan): string[] =>
  subtopologies.flatMap(({ streams }) => streams.flatMap(({ steps }) => steps.map(({ id }) => id)))

/** Reads all stores of a plan whose topics have one partition. */
export async function readStores(plan: Plan, broker: Broker): Promise<Stores> {
  const reader = await broker.state(plan.name, stateOf(0))
  const read = <T>(name: string) =>
    new Map([...reader.entries(name)].map(([key, bytes]) => [key, decode<T>(bytes)] as const))
  return {
    tables: new Map(tablesOf(plan).map((name) => [name, read<TableRow>(name)])),
    state: new Map(operatorsOf(plan).map((id) => [id, read(id)])),
  }
}
