import type { Record } from '../../src/record/record.ts'

let offset = 0n

/** A record of the source "in" with the next offset. */
export const record = <V>(value: V, more: Partial<Record> = {}): Record<V> => ({
  key: null,
  headers: [],
  timestamp: 0,
  origin: { source: 'in', topic: 'in', partition: 0, offset: offset++, timestamp: 0 },
  index: '',
  ...more,
  value,
})
