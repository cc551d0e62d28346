import { nth, type Record } from '../../../src/record/record.ts'
import { record } from '../../support/records.ts'

/** A record of a key at a time in milliseconds, its value a number `x`. */
export const at = (timestamp: number, { key = 'a', x = 1 }: { key?: string | null; x?: unknown } = {}): Record =>
  record({ x }, { timestamp, key: key === null ? null : Buffer.from(key) })

export interface ExpectedResult {
  readonly key?: string | null
  readonly start: number
  readonly end: number
  /** The highest time of its records. */
  readonly latest: number
}

/** The results of windows that a record leaves as. */
export const results = (
  by: Record,
  ...expected: readonly (readonly [ExpectedResult, { readonly [name: string]: unknown }])[]
): Record[] =>
  expected.map(([{ key = 'a', start, end, latest }, fields], n) => ({
    ...nth(by, n, { window_start: iso(start), window_end: iso(end), ...fields }),
    key: key === null ? null : Buffer.from(key),
    timestamp: latest,
  }))

const iso = (time: number): string => new Date(time).toISOString()
