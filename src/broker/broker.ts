import type { OutputRecord, StoredRecord } from '../record/record.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The offset of the next record to read. */
export interface Position extends TopicPartition {
  readonly offset: bigint
}

/** Consecutive records of one partition. */
export interface Batch extends TopicPartition {
  readonly records: readonly StoredRecord[]
  /** The offset after the last of them. */
  readonly next: bigint
}

/** A change to a task's state; a null value deletes the key. */
export interface StateChange {
  readonly store: string
  readonly key: string
  readonly value: Buffer | null
}

/** What to add to the ledger of conservation: source records by their final outcome in a stream. */
export interface Count {
  readonly source: string
  readonly stream: string
  readonly read: number
  readonly emitted: number
  readonly dropped: number
  readonly dead: number
}

/** All that a task commits at once, or not at all. */
export interface Unit {
  /** The consumer group: the pipeline's name. */
  readonly group: string
  /** The task whose state it is. */
  readonly task: string
  readonly outputs: readonly OutputRecord[]
  readonly offsets: readonly Position[]
  readonly state: readonly StateChange[]
  readonly counts: readonly Count[]
}

/** A topic as a pipeline needs it. */
export interface TopicSpec {
  readonly name: string
  /** The broker's default when absent. */
  readonly partitions?: number
  /** Milliseconds that records are kept; for ever when absent. */
  readonly retention?: number
}

export interface PartitionInfo {
  readonly partition: number
  /** Offset of the first record kept. */
  readonly start: bigint
  /** Offset that the next record will get. */
  readonly end: bigint
  /** Timestamp of the first record kept, milliseconds since the epoch; absent when there is none. */
  readonly oldest?: number
}

export interface TopicInfo {
  readonly name: string
  readonly retention?: number
  readonly partitions: readonly PartitionInfo[]
}

/** A member of a consumer group, reading from where the group committed last, from the start where it never did. */
export interface Subscription {
  /** The records that came next in partitions that are not paused; waits for some until the signal aborts, then gives none. */
  poll(options: { readonly maxRecords: number; readonly signal: AbortSignal }): Promise<readonly Batch[]>
  /** Stops giving records of the partition, until resumed. */
  pause(partition: TopicPartition): void
  resume(partition: TopicPartition): void
  /** Goes back to what the group committed: the unit in work was abandoned. */
  rewind(partition: TopicPartition): void
  /** Records between this member's positions and the ends of its partitions. */
  lag(): Promise<bigint>
  close(): Promise<void>
}

/** A task's committed state. */
export interface StateReader {
  get(store: string, key: string): Buffer | undefined
  /** Entries with from <= key < to, in the order of their UTF-8 bytes. */
  entries(store: string, from?: string, to?: string): Iterable<readonly [key: string, value: Buffer]>
}

export interface Broker {
  /** The one write. Resolves when the whole unit is durable; rejects when none of it is. */
  commit(unit: Unit): Promise<void>
  subscribe(group: string, topics: readonly string[]): Promise<Subscription>
  state(group: string, task: string): StateReader
  /** Creates what is missing and adjusts retention; never destroys. Idempotent. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>
  topics(): Promise<readonly TopicInfo[]>
  /** Up to maxRecords of one partition from an offset on, or from the first kept after it; none at the end. */
  read(from: Position, maxRecords: number): Promise<Batch>
  committed(group: string): Promise<readonly Position[]>
  /** The ledger of conservation so far, one entry per source and stream. */
  counts(group: string): Promise<readonly Count[]>
  close(): Promise<void>
}

/** The broker cannot do what was asked; the message says why and what would help. */
export class BrokerError extends Error {
  override readonly name: string = 'BrokerError'
}
