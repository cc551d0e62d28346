import type { OutputRecord, StoredRecord } from '../record/record.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The offset of the next record to read. */
export interface Position extends TopicPartition {
  readonly offset: bigint
}

/** Consecutive records of one partition; none where only what nobody is given was next, such as an aborted transaction. */
export interface Batch extends TopicPartition {
  /** Whoever is given them may take them out of the list when they are done with: nobody else has it. */
  readonly records: StoredRecord[]
  /** The offset after the last of them. */
  readonly next: bigint
  /** So many offsets before `next` were deleted from the topic before this member was given them, if any. */
  readonly expired?: number
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

/** Who reads for a consumer group, as the broker knows it. */
export interface MemberInfo {
  readonly id: string
  /** Names the process and its thread. */
  readonly clientId: string
  /** The address that it connects from. */
  readonly host: string
  /** Those that it was given in the last rebalance. */
  readonly partitions: readonly TopicPartition[]
  /** Those of whose state it keeps a copy, to take over where another member stops. */
  readonly standbys: readonly number[]
  /** host:port where its process answers over HTTP; absent where it does not say. */
  readonly address?: string
}

/** One term of a member of a consumer group: it ends with the next rebalance, and with it the right to commit. */
export interface GroupMember {
  readonly generation: number
  readonly id: string
}

/**
 * The task whose state all tasks of a group share: global tables. Each unit may change it, and who asks for it has all of
 * it, as it was when it was asked for, and soon what is committed after that.
 */
export const globalTask = '$global'

/** All that a task commits at once, or not at all. */
export interface Unit {
  /** The consumer group: the pipeline's name. */
  readonly group: string
  /** The task whose state it is. */
  readonly task: string
  /** In which term the task was given to this process; absent where a broker has no groups of several members. */
  readonly member?: GroupMember
  readonly outputs: readonly OutputRecord[]
  readonly offsets: readonly Position[]
  readonly state: readonly StateChange[]
  /** Changes of what all tasks of the group share; none when absent. */
  readonly global?: readonly StateChange[]
  readonly counts: readonly Count[]
}

/** A topic as a pipeline needs it. */
export interface TopicSpec {
  readonly name: string
  /** The broker's default when absent. */
  readonly partitions?: number
  /** The topic that it has as many partitions as, whatever that one was to have; of several, the one with most. */
  readonly partitionsOf?: string | readonly string[]
  /** Whether it is a pipeline's own: nobody else is to read or write it. */
  readonly internal?: true
  /** Milliseconds that records are kept, for ever when Infinity; what the broker does by default when absent. */
  readonly retention?: number
  /** Whether it keeps the last record of each key (a changelog), or all until they are too old. */
  readonly compacted?: boolean
  /** The largest batch it takes, in bytes. */
  readonly maxMessageBytes?: number
  /** Its records name their partitions: more can be added when it has records already. */
  readonly byNumber?: boolean
  /** Instead of that: topics whose records must fit into it, by how much they may grow, and bytes that are added to each. */
  readonly roomFor?: { readonly topics: readonly string[]; readonly factor: number; readonly extra: number }
}

export interface PartitionInfo {
  readonly partition: number
  /** Offset of the first record kept. */
  readonly start: bigint
  /** Offset that the next record will get. */
  readonly end: bigint
}

export interface TopicInfo {
  readonly name: string
  readonly retention?: number
  /** Bytes that a partition keeps, the oldest records going first; as many as come when absent. */
  readonly retentionBytes?: number
  readonly replication?: number
  readonly compacted?: boolean
  readonly maxMessageBytes?: number
  readonly minInSync?: number
  /** Whether records get the broker's time instead of their own. */
  readonly stampsOnAppend?: boolean
  /** How far in the future a record's timestamp may be, in milliseconds. */
  readonly latestTimestamp?: number
  readonly partitions: readonly PartitionInfo[]
}

/** What a member is told of its partitions, while nothing is polled: Kafka's ConsumerRebalanceListener. */
export interface RebalanceListener {
  /** Copies of each partition's state that other members keep, where there are others; none when absent. */
  readonly standbyReplicas?: number
  /** They are this member's from now on; their records come when this has resolved. */
  assigned(partitions: readonly TopicPartition[], member?: GroupMember): Promise<void>
  /** They may be another member's already: what is not committed will not be. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>
}

/** Where a partition begins and ends. */
export interface Bounds extends TopicPartition {
  /** Offset of the first record kept. */
  readonly start: bigint
  /** The high-water mark: the offset after the last record there is. */
  readonly end: bigint
}

/** How far a member has come in a partition; its end is no less than its position. */
export interface Lag extends Bounds {
  /** The offset after the last record that it was given. */
  readonly position: bigint
}

/** A copy of the state of a partition that another member has. */
export interface StandbyInfo {
  readonly partition: number
  /** The offset in its changelog after the last record that it has. */
  readonly position: number
  /** Offsets from there to the end. */
  readonly lag: number
  /** Why it is not kept up, if so; it is tried again. */
  readonly failure?: string
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
  /** For each partition of this member, how far it is from the end. */
  lag(): Promise<readonly Lag[]>
  /** The copies that this member keeps of others' state; none where a broker has no groups of several members. */
  readonly standbys: readonly StandbyInfo[]
  close(): Promise<void>
}

/** What a task's state has under one name: what an operator keeps, or a table. */
export interface StoreInfo {
  readonly task: string
  readonly name: string
  readonly entries: number
  /** Of keys and values. */
  readonly bytes: number
}

/** A task's committed state. */
export interface StateReader {
  get(store: string, key: string): Buffer | undefined
  /** Entries with from <= key < to, in the order of their UTF-8 bytes. */
  entries(store: string, from?: string, to?: string): Iterable<readonly [key: string, value: Buffer]>
  /** Their keys alone: values are not read. */
  keys(store: string, from?: string, to?: string): Iterable<string>
}

export interface Broker {
  /**
   * The one write. Resolves when the whole unit is durable; rejects when none of it is, or when nobody can tell: then
   * the task starts again from what is committed. Units that do not wait for each other have no order.
   * @throws OutputsRefused where some of its outputs are the reason, and always will be
   */
  commit(unit: Unit): Promise<void>
  /** Joins the group; partitions are assigned before it resolves where the broker can tell at once, or while it is polled. */
  subscribe(group: string, topics: readonly string[], listener?: RebalanceListener): Promise<Subscription>
  /** Says to the groups that are joined from now on where this process answers over HTTP. @param address host:port */
  announce(address: string): void
  /**
   * A task's state, restored; complete for as long as its partition is this process's. That of `globalTask` follows what
   * any process commits. @throws BrokerError, its reader too once it cannot follow any more: it is to be asked for again
   */
  state(group: string, task: string): Promise<StateReader>
  /**
   * The stores of a group that have entries, those of one task after another. It looks at every entry; on Kafka all state
   * is read that this process does not have.
   * @param tasks only of these
   */
  stores(group: string, tasks?: readonly string[]): Promise<readonly StoreInfo[]>
  /**
   * Creates what is missing and adjusts what can be adjusted without loss; never destroys. Idempotent.
   * @param consent `shorten` allows a shorter retention for topics with records, which deletes some
   * @throws TopicConflict, after all that could be done, for topics that the pipeline cannot work with
   */
  ensureTopics(topics: readonly TopicSpec[], consent?: { readonly shorten: boolean }): Promise<void>
  /** Topics by their names, those that there are; without names all. */
  topics(names?: readonly string[]): Promise<readonly TopicInfo[]>
  /** Where the partitions of topics begin and end, without anything else that takes time to find out; of those that there are. */
  bounds(topics: readonly string[]): Promise<readonly Bounds[]>
  /**
   * Up to maxRecords of one partition from an offset on, or from the first kept after it; none at the end.
   * @param how what is just being committed is waited for, two seconds at most, unless `waits` is false
   */
  read(from: Position, maxRecords: number, how?: { readonly waits: boolean }): Promise<Batch>
  committed(group: string): Promise<readonly Position[]>
  /** Deletes the records before these offsets, of a last batch perhaps none; passes over topics that are not there. */
  trim(positions: readonly Position[]): Promise<void>
  /** Who reads for a group now; the embedded broker knows those of this process. */
  members(group: string): Promise<readonly MemberInfo[]>
  /**
   * Has a group start over: forgets its state, its counts and where it was. Done again, it goes on where it was interrupted.
   * @param start where it goes on, in partitions where that is not the start; topics to delete, those that there are
   * @throws BrokerError while somebody reads for the group
   */
  reset(
    group: string,
    start: { readonly offsets: readonly Position[]; readonly topics: readonly string[] },
  ): Promise<void>
  /** The ledger of conservation so far, one entry per source and stream. */
  counts(group: string): Promise<readonly Count[]>
  close(): Promise<void>
}

/** The broker cannot do what was asked; the message says why and what would help. */
export class BrokerError extends Error {
  override readonly name: string = 'BrokerError'
}

/** Stands for the place among a unit's outputs of what is none of them: a change of its state. */
export const noOutput = -1

/**
 * Some outputs of a unit are refused for good, whatever is tried: too large for their topic, or of a time that it does not
 * take. Nothing of the unit was committed, though at least once the others may have been written.
 */
export class OutputsRefused extends BrokerError {
  override readonly name = 'OutputsRefused'
  /** Why, for each of them, by its place among the unit's outputs; `noOutput` for its state. */
  readonly reasons: ReadonlyMap<number, string>

  constructor(message: string, reasons: ReadonlyMap<number, string>, options?: ErrorOptions) {
    super(message, options)
    this.reasons = reasons
  }
}

/** One partition cannot be read now. The broker tries it again by itself, and gives records of the others meanwhile. */
export class PartitionUnreadable extends BrokerError {}
