/**
 * An operator’s state: keys are well-formed text, in the order of its UTF-8 bytes; values survive a structured clone.
 * Values handed in or out are not to be changed in place.
 */
export interface StateStore {
  get(key: string): unknown
  set(key: string, value: unknown): void
  delete(key: string): void
  /** Entries with from <= key < to, in order; either end may be left open. */
  entries(from?: string, to?: string): Iterable<readonly [key: string, value: unknown]>
  /** Their keys alone: values are not read. */
  keys(from?: string, to?: string): Iterable<string>
}

/** The last record of a key in a table. */
export interface TableRow {
  readonly value: unknown
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** A table as an operator reads it. */
export interface TableReader {
  /** Undefined where the key has no record, or its last one was a tombstone. */
  get(key: Buffer): TableRow | undefined
}

/** The order of keys: that of their UTF-8 bytes, as brokers keep them. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at++) {
    const [ofA, ofB] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (ofA !== ofB) return rankOf(ofA) - rankOf(ofB)
  }
  return a.length - b.length
}

/** Halves of surrogate pairs stand for characters beyond all others, though their own numbers are not the greatest. */
const rankOf = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/** A state store of memory alone, for tests of single operators. */
export function memoryState(): StateStore {
  const values = new Map<string, unknown>()
  const entries: StateStore['entries'] = (from = '', to) =>
    [...values]
      .filter(([key]) => compareKeys(key, from) >= 0 && (to === undefined || compareKeys(key, to) < 0))
      .sort(([a], [b]) => compareKeys(a, b))
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    delete: (key) => void values.delete(key),
    entries,
    keys: (from, to) => Array.from(entries(from, to), ([key]) => key),
  }
}
