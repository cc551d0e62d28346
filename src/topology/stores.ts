import { globalTask, type Broker, type StoreInfo } from '../broker/broker.ts'
import { compareKeys } from '../component/state.ts'
import { decode } from './encoded.ts'
import { stateOf } from './held.ts'
import type { Json } from '../component/context.ts'

/** A store of a pipeline, in one partition. */
export interface StorePart {
  /** The operator whose state it is, or the table. */
  readonly store: string
  readonly partition: number
  readonly entries: number
  /** Of keys and values. */
  readonly bytes: number
  /** It is a table that every task has; the partition means nothing. */
  readonly global?: true
}

/** An entry of a store. */
export interface StoreEntry {
  readonly store: string
  readonly partition: number
  readonly key: string
  /** What JSON has no word for stands as an object with one field that says what it is. */
  readonly value: Json
}

/** Which entries of a store are wanted, in the order of partitions and keys. */
export interface EntryQuery {
  readonly store: string
  /** This one alone, in every partition. */
  readonly key?: string
  readonly partition?: number
  /** Those whose keys begin so. */
  readonly prefix?: string
  /** Those behind a place. */
  readonly after?: { readonly partition: number; readonly key: string }
  readonly limit: number
}

/** What a pipeline that runs is asked about its state: which stores there are, or which entries one has. */
export type StoreQuery = { readonly internal: boolean } | EntryQuery

/** What it has of that, in its partitions; one of the two lists. */
export interface StoreAnswer {
  readonly partitions: readonly number[]
  readonly stores: readonly StorePart[]
  readonly entries: readonly StoreEntry[]
}

/** Answers for the partitions of some tasks. */
export async function answerFor(
  broker: Broker,
  group: string,
  tasksOf: readonly { readonly partition: number }[],
  query: StoreQuery,
): Promise<StoreAnswer> {
  const partitions = [...new Set(tasksOf.map(({ partition }) => partition))].toSorted((a, b) => a - b)
  const tasks = [globalTask, ...partitions.map(stateOf)]
  if ('store' in query) return { partitions, stores: [], entries: await entriesOf(broker, group, tasks, query) }
  return { partitions, stores: await storesOf(broker, group, { ...query, tasks }), entries: [] }
}

/** Answers of several threads as one. */
export function joined(answers: readonly StoreAnswer[], query: StoreQuery): StoreAnswer {
  const entries = answers
    .flatMap((answer) => answer.entries)
    .toSorted((a, b) => a.partition - b.partition || compareKeys(a.key, b.key))
    .filter((entry, at, all) => at === 0 || !isSamePlace(entry, all[at - 1]!))
  return {
    partitions: answers.flatMap(({ partitions }) => partitions),
    stores: answers
      .flatMap(({ stores }) => stores)
      .toSorted((a, b) => compareKeys(a.store, b.store) || a.partition - b.partition)
      .filter((part, at, all) => !part.global || part.store !== all[at - 1]?.store),
    entries: 'store' in query ? entries.slice(0, query.limit) : [],
  }
}

/** Each thread has all of a global table. */
const isSamePlace = (a: StoreEntry, b: StoreEntry): boolean => a.partition === b.partition && a.key === b.key

/** Whether a store is of Oxbow's own: what is under way, where a connector or a sink is. */
const isInternal = ({ task, name }: Pick<StoreInfo, 'task' | 'name'>): boolean =>
  name.startsWith('$') || (task !== globalTask && !/^\d+$/.test(task))

/** The stores that have entries. @param tasks those of them that this process has; all when absent */
export async function storesOf(
  broker: Broker,
  group: string,
  { internal, tasks }: { readonly internal: boolean; readonly tasks?: readonly string[] },
): Promise<readonly StorePart[]> {
  const found = await broker.stores(group, tasks)
  return found
    .filter((store) => internal || !isInternal(store))
    .map(({ task, name, entries, bytes }) => ({
      store: nameOf(task, name),
      partition: numberOf(task),
      entries,
      bytes,
      ...(task === globalTask && { global: true as const }),
    }))
    .toSorted((a, b) => compareKeys(a.store, b.store) || a.partition - b.partition)
}

/** Entries of one store. @param tasks those that are looked at */
export async function entriesOf(
  broker: Broker,
  group: string,
  tasks: readonly string[],
  { store, key, partition, prefix = '', after, limit }: EntryQuery,
): Promise<readonly StoreEntry[]> {
  const found: StoreEntry[] = []
  for (const task of tasks.toSorted((a, b) => numberOf(a) - numberOf(b))) {
    const number = numberOf(task)
    if (partition !== undefined && number !== partition) continue
    if (after && number < after.partition) continue
    const state = await broker.state(group, task)
    const name = store.startsWith(`${task}/`) ? store.slice(task.length + 1) : store
    const add = (own: string, bytes: Buffer) =>
      found.push({ store, partition: number, key: own, value: shown(decode(bytes)) })
    if (key !== undefined) {
      const bytes = state.get(name, key)
      if (bytes) add(key, bytes)
      continue
    }
    const from = after?.partition === number ? `${after.key}\0` : prefix
    for (const [own, bytes] of state.entries(name, from)) {
      if (!own.startsWith(prefix)) break
      if (found.length >= limit) return found
      add(own, bytes)
    }
  }
  return found
}

/** What is no partition's goes with the first. */
const numberOf = (task: string): number => (/^\d+$/.test(task) ? Number(task) : 0)

const nameOf = (task: string, name: string): string =>
  task === globalTask || /^\d+$/.test(task) ? name : `${task}/${name}`

/** A decoded value as JSON. */
function shown(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : { number: String(value) }
  if (typeof value === 'bigint') return { bigint: String(value) }
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (value instanceof Date) return { date: value.getTime() }
  if (value instanceof Map) return { map: [...value].map(([key, own]) => [shown(key), shown(own)]) }
  if (value instanceof Set) return { set: [...value].map(shown) }
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object') return { unknown: typeof value }
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, own]) => (own === undefined ? [] : [[name, shown(own)]])),
  )
}
