/**
 * An operator's state: keys in the order of their UTF-16 code units, values that survive a structured clone.
 * Values handed in or out are not to be changed in place.
 */
export interface StateStore {
  get(key: string): unknown
  set(key: string, value: unknown): void
  delete(key: string): void
  /** Entries with from <= key < to, in order; either end may be left open. */
  entries(from?: string, to?: string): Iterable<readonly [key: string, value: unknown]>
}

/** A state store of memory alone, for tests of single operators. */
export function memoryState(): StateStore {
  const values = new Map<string, unknown>()
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    delete: (key) => void values.delete(key),
    entries: (from = '', to) =>
      [...values].filter(([key]) => key >= from && (to === undefined || key < to)).sort(([a], [b]) => (a < b ? -1 : 1)),
  }
}
