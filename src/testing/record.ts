import type { Header, Origin, Record } from '../record/record.ts'

/** What differs from a plain record. */
export interface RecordParts {
  /** Text stands for its UTF-8 bytes. */
  readonly key?: string | Buffer | null
  readonly headers?: readonly Header[]
  /** Milliseconds since the epoch; 0 when absent. */
  readonly timestamp?: number
  readonly origin?: Partial<Origin>
  readonly index?: string
}

let nextOffset = 0n

/** A record for a test of one operator; each has an origin of its own, in the source "in". */
export function record<V>(value: V, parts: RecordParts = {}): Record<V> {
  const { key = null, headers = [], timestamp = 0, origin, index = '' } = parts
  return {
    key: typeof key === 'string' ? Buffer.from(key) : key,
    value,
    headers,
    timestamp,
    origin: { source: 'in', topic: 'in', partition: 0, offset: nextOffset++, timestamp, ...origin },
    index,
  }
}
