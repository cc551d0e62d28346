import type { StateChange } from '../broker/broker.ts'
import { encode } from '../topology/encoded.ts'
import { globalTablesOf, type Plan } from '../topology/plan.ts'
import { readRow, type KeptExpectation } from './kept.ts'
import { LetterError, readLetter } from './letter.ts'

/** What tables and operators keep when a test begins, by their names and keys. */
export interface KeptBefore {
  readonly tables?: { readonly [table: string]: { readonly [key: string]: unknown } } | undefined
  readonly state?: { readonly [operator: string]: { readonly [key: string]: unknown } } | undefined
}

/** The same as changes of state. */
export interface StateBefore {
  readonly own: readonly StateChange[]
  /** That of global tables. */
  readonly global: readonly StateChange[]
}

/** One thing that is kept, as the changes have it. @param at milliseconds since the epoch, of a row that says no time @throws LetterError */
export function changeBefore(kind: KeptExpectation['kind'], store: string, key: string, value: unknown, at: number) {
  return { store, key, value: kind === 'tables' ? rowBytes(value, at) : stateBytes(value) }
}

/** Sorts out what belongs to global tables. */
export function stateBefore(changes: readonly StateChange[], plan: Plan): StateBefore {
  const globals = plan.subtopologies.flatMap(({ streams }) => globalTablesOf(streams))
  const isGlobal = ({ store }: StateChange) => globals.includes(store)
  return { own: changes.filter((change) => !isGlobal(change)), global: changes.filter(isGlobal) }
}

function rowBytes(value: unknown, at: number): Buffer {
  const row = readRow(value)
  if (!row?.value) throw new LetterError('a row that is there before has a value')
  return encode({ value: row.value.of, timestamp: row.timestamp ?? at })
}

/** Plain data, or `{ $raw: { base64 } }` for what is none. */
function stateBytes(value: unknown): Buffer {
  const isRaw = typeof value === 'object' && value !== null && Object.keys(value).join() === '$raw'
  return (isRaw ? readLetter(value).raw : undefined) ?? encode(value)
}
