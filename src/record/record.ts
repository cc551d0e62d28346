/** A header as Kafka has it: the order and repeats of names count, a value may be null. */
export type Header = readonly [name: string, value: Buffer | null]

/** A record as it lies in a topic: bytes. A null value is a tombstone, which is not an empty value. */
export interface RawRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** A raw record on its way into a topic; without a partition its key decides. */
export interface OutputRecord extends RawRecord {
  readonly topic: string
  readonly partition?: number
}

/** A raw record with its place in a topic. */
export interface StoredRecord extends RawRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** Where the external record was first read. Survives operators, repartitioning, retries and redrives. */
export interface Origin {
  /** Name of the source in the config. */
  readonly source: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** The external record's own timestamp, milliseconds since the epoch. */
  readonly timestamp: number
}

/** A record between operators: its value decoded, its origin carried along. */
export interface Record<V = unknown> {
  readonly key: Buffer | null
  readonly value: V
  readonly headers: readonly Header[]
  readonly timestamp: number
  readonly origin: Origin
  /**
   * Which of the results of its external record this is: "" for the first or only, ".2" for the third of a flatMap, "~1"
   * where it came to a stream by the second of several ways.
   */
  readonly index: string
}

/** A copy of the record with another value; everything else is kept. */
export function withValue<V>(record: Record, value: V): Record<V> {
  return {
    key: record.key,
    value,
    headers: record.headers,
    timestamp: record.timestamp,
    origin: record.origin,
    index: record.index,
  }
}

/** The n-th of several results of one record, told apart by its index. */
export function nth<V>(record: Record, n: number, value: V): Record<V> {
  return { ...withValue(record, value), index: `${record.index}.${n}` }
}

/** The value at a dotted path such as "order.id"; undefined where it is absent. */
export function field(record: Record, path: string): unknown {
  let value: unknown = record.value
  for (const name of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined
    value = (value as { [name: string]: unknown })[name]
  }
  return value
}
