import { compareKeys } from '../component/state.ts'
import type { CommittedStore } from './committed.ts'
import { decode } from './encoded.ts'
import { deleted, isChanged, type Entry } from './recent.ts'

/** What changed of a store, over what the broker has of it. */
export interface Changes {
  readonly committed: CommittedStore
  /** Keys of the changes. */
  readonly sorted: SortedKeys
  readonly fresh: readonly Entry[]
  readonly taken: readonly Entry[]
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
export const mergedEntries = (changes: Changes, from = '', to?: string): Iterable<readonly [string, unknown]> =>
  merged(changes, [from, to], changes.committed.entries(from, to), {
    keyOf: ([key]) => key,
    asCommitted: ([key, bytes]) => [key, decode<unknown>(bytes)],
    asChanged: ({ key, value }) => [key, value],
  })

/** Their keys alone. */
export const mergedKeys = (changes: Changes, from = '', to?: string): Iterable<string> =>
  merged(changes, [from, to], changes.committed.keys(from, to), {
    keyOf: (key) => key,
    asCommitted: (key) => key,
    asChanged: ({ key }) => key,
  })

/** What a change made of a key. */
type Change = Pick<Entry, 'key' | 'value'>

/** How what is committed and what is changed become items of one kind. */
interface Merging<Committed, Item> {
  readonly keyOf: (committed: Committed) => string
  readonly asCommitted: (committed: Committed) => Item
  readonly asChanged: (change: Change) => Item
}

function* merged<Committed, Item>(
  changes: Changes,
  [from, to]: readonly [string, string | undefined],
  committed: Iterable<Committed>,
  { keyOf, asCommitted, asChanged }: Merging<Committed, Item>,
): Iterable<Item> {
  const changed = changesIn(changes, from, to)
  let next = 0
  for (const item of committed) {
    const key = keyOf(item)
    for (; next < changed.length && compareKeys(changed[next]!.key, key) < 0; next++)
      if (isPresent(changed[next]!)) yield asChanged(changed[next]!)
    if (changed[next]?.key !== key) yield asCommitted(item)
    else if (isPresent(changed[next++]!)) yield asChanged(changed[next - 1]!)
  }
  for (; next < changed.length; next++) if (isPresent(changed[next]!)) yield asChanged(changed[next]!)
}

const changesIn = (
  { committed, sorted, fresh, taken }: Changes,
  from: string,
  to: string | undefined,
): readonly Change[] =>
  sorted
    .between(from, to, () => [...taken, ...fresh].map(({ key }) => key))
    .flatMap((key) => {
      const entry = committed.recent.get(key)
      return entry && isChanged(entry) ? [{ key, value: entry.value }] : []
    })

const isPresent = ({ value }: Change): boolean => value !== deleted

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
