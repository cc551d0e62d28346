import { LetterError, readLetter, type Letter } from './letter.ts'
import { show, spelled, unlike } from './matching.ts'
import type { Stores } from './stores.ts'

/** What is to be kept under a key at the end: in a table, or in the state of an operator. */
export interface KeptExpectation {
  readonly kind: keyof Stores
  /** The table, or the operator by its id. */
  readonly name: string
  readonly key: string
  /** Undefined where nothing is to be there. */
  readonly letter: Letter | undefined
}

const parts: readonly (keyof Letter)[] = ['value', 'timestamp']

/** A row of a table as a letter: its value, or `{ $value, $timestamp }`. @throws LetterError */
export function readRow(value: unknown): Letter | undefined {
  if (value === null) return undefined
  const letter = readLetter(value)
  const stray = Object.keys(letter).find((part) => !parts.includes(part as keyof Letter))
  if (stray !== undefined) throw new LetterError('a row of a table has `$value` and `$timestamp`, no more')
  return letter
}

/** A value of an operator's state: plain data. */
export const readState = (value: unknown): Letter | undefined => (value === null ? undefined : { value: { of: value } })

/** How what is kept differs from what was expected, a line each; empty when it does not. */
export function unlikeKept({ kind, name, key, letter }: KeptExpectation, stores: Stores): string[] {
  const store = stores[kind].get(name)!
  const place = kind === 'tables' ? `the table ${name}` : `the state of ${name}`
  const found = valueAt(kind, store, key)
  const expected = `expected ${key} in ${place}: ${letter ? show(spelled(letter)) : 'nothing'}`
  if (!letter) return found ? [expected, foundLine(found.value)] : []
  if (!found) return [expected, store.size === 0 ? 'found nothing there' : `found only ${keysOf(store)}`]
  const differing = unlike({ ...found, frame: 0, key: null, headers: [] }, letter, 'topic')
  return differing.length > 0 ? [expected, foundLine(found.value), ...differing] : []
}

const foundLine = (value: unknown): string => `found ${show(value)}`

interface Found {
  readonly value: unknown
  readonly timestamp: number
}

function valueAt(kind: keyof Stores, store: ReadonlyMap<string, unknown>, key: string): Found | undefined {
  const kept = store.get(key)
  if (kept === undefined) return undefined
  const { value, timestamp } = kind === 'tables' ? (kept as Found) : { value: kept, timestamp: 0 }
  return { value: asData(value), timestamp }
}

const maxKeys = 10

function keysOf(store: ReadonlyMap<string, unknown>): string {
  const keys = [...store.keys()]
  const more = keys.length > maxKeys ? ` and ${keys.length - maxKeys} more` : ''
  return keys.slice(0, maxKeys).join(', ') + more
}

/** A value as tests write it: maps as objects, sets as lists, whole numbers beyond all others as text. */
const asData = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, part: unknown) => {
      if (typeof part === 'bigint') return Number.isSafeInteger(Number(part)) ? Number(part) : String(part)
      if (part instanceof Map) return Object.fromEntries(part as Map<string, unknown>) as unknown
      return part instanceof Set ? [...(part as Set<unknown>)] : part
    }) ?? 'null',
  )
