import { compareKeys } from '../component/state.ts'
import type { CommittedStore } from './committed.ts'
import { decode } from './encoded.ts'
import { deleted, isChanged, type Entry } from './recent.ts'

/** A key that was changed. */
export interface Changed {
  readonly key: string
  readonly entry: Entry
}

/** What changed of a store, over what the broker has of it. */
export interface Changes {
  readonly committed: CommittedStore
  /** Keys of the changes. */
  readonly sorted: SortedKeys
  readonly fresh: readonly Changed[]
  readonly taken: readonly Changed[]
}

/** More keys than this are put in order together. */
const fewKeys = 16

/** Keys in order: put in order when somebody asks for them, and kept so until most of them are others. */
export class SortedKeys {
  #keys: string[] | undefined
  /** Those that came since. */
  #added: string[] = []

  /** The keys are others now. */
  reset(): void {
    this.#keys = undefined
    this.#added = []
  }

  add(key: string): void {
    if (this.#keys) this.#added.push(key)
  }

  /** Those with from <= key < to. @param all of them, as they are now */
  between(from: string, to: string | undefined, all: () => Iterable<string>): readonly string[] {
    if (this.#keys === undefined || this.#added.length > fewKeys)
      this.#keys = [...new Set(this.#keys ? [...this.#keys, ...this.#added] : all())].sort(compareKeys)
    else for (const key of this.#added) insert(key, this.#keys)
    this.#added = []
    const end = to === undefined ? this.#keys.length : placeOf(to, this.#keys)
    return this.#keys.slice(placeOf(from, this.#keys), end)
  }
}

/** Entries with from <= key < to, in order: what is committed, with the changes that there are at the first look. */
export function* mergedEntries(changes: Changes, from = '', to?: string): Iterable<readonly [string, unknown]> {
  yield* merged(changesIn(changes, from, to), decoded(changes.committed.entries(from, to)))
}

/** Their keys alone. */
export function* mergedKeys(changes: Changes, from = '', to?: string): Iterable<string> {
  for (const [key] of merged(changesIn(changes, from, to), unread(changes.committed.keys(from, to)))) yield key
}

/** A key and its value; or what stands for one. */
type Item = readonly [key: string, value: unknown]

function* decoded(entries: Iterable<readonly [string, Buffer]>): Iterable<Item> {
  for (const [key, bytes] of entries) yield [key, decode<unknown>(bytes)]
}

function* unread(keys: Iterable<string>): Iterable<Item> {
  for (const key of keys) yield [key, undefined]
}

const changesIn = (
  { committed, sorted, fresh, taken }: Changes,
  from: string,
  to: string | undefined,
): readonly Item[] =>
  sorted
    .between(from, to, () => [...taken, ...fresh].map(({ key }) => key))
    .flatMap((key) => {
      const entry = committed.recent.get(key)
      return entry && isChanged(entry) ? [[key, entry.value] as const] : []
    })

function* merged(changes: readonly Item[], committed: Iterable<Item>): Iterable<Item> {
  let next = 0
  for (const item of committed) {
    const [key] = item
    for (; next < changes.length && compareKeys(changes[next]![0], key) < 0; next++) yield* present(changes[next]!)
    if (changes[next]?.[0] === key) yield* present(changes[next++]!)
    else yield item
  }
  for (; next < changes.length; next++) yield* present(changes[next]!)
}

function* present(item: Item): Iterable<Item> {
  if (item[1] !== deleted) yield item
}

function insert(key: string, keys: string[]): void {
  const at = placeOf(key, keys)
  if (keys[at] !== key) keys.splice(at, 0, key)
}

/** The number of the first key that is not before another one. */
function placeOf(key: string, keys: readonly string[]): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
