import { BrokerError, type TopicInfo, type TopicSpec } from './broker.ts'

/** What is known of a topic that is to be compared; what the broker does not have or does not tell is absent. */
export interface LiveTopic {
  readonly partitions: number
  /** Whether it ever had a record. */
  readonly used: boolean
  /** Milliseconds; for ever when absent. */
  readonly retention?: number
  readonly compacted?: boolean
  readonly maxMessageBytes?: number
}

/**
 * What makes it as needed: `apply` does no harm, `shorten` deletes records, and nothing here does what is `refused`,
 * because keys would move to other partitions or records would be gone.
 */
export type Mending = 'apply' | 'shorten' | 'refused'

/** How a topic differs from what a pipeline needs. */
export type TopicDifference = { readonly mending: Mending } & (
  | { readonly aspect: 'missing' }
  | { readonly aspect: 'partitions'; readonly live: number; readonly needed: number }
  /** Milliseconds, for ever is Infinity. */
  | { readonly aspect: 'retention'; readonly live: number; readonly needed: number }
  | { readonly aspect: 'compacted'; readonly live: boolean; readonly needed: boolean }
  /** Bytes */
  | { readonly aspect: 'maxMessageBytes'; readonly live: number; readonly needed: number }
)

/** A topic cannot be as a pipeline needs it, and the pipeline cannot do with less; everything else was done. */
export class TopicConflict extends BrokerError {}

export const liveOf = ({ partitions, retention, compacted, maxMessageBytes }: TopicInfo): LiveTopic => ({
  partitions: partitions.length,
  used: partitions.some(({ end }) => end > 0n),
  ...(retention !== undefined && { retention }),
  ...(compacted !== undefined && { compacted }),
  ...(maxMessageBytes !== undefined && { maxMessageBytes }),
})

/** Compares a topic with what a pipeline needs. @param live undefined where there is no such topic */
export function differencesOf(spec: TopicSpec, live: LiveTopic | undefined): TopicDifference[] {
  if (!live) return [{ aspect: 'missing', mending: 'apply' }]
  const { partitions, retention, compacted, maxMessageBytes } = spec
  const differences: TopicDifference[] = []
  if (partitions !== undefined && partitions !== live.partitions) {
    const adds = partitions > live.partitions && (!live.used || compacted === true || spec.byNumber === true)
    const mending = adds ? 'apply' : 'refused'
    differences.push({ aspect: 'partitions', live: live.partitions, needed: partitions, mending })
  }
  const kept = live.retention ?? Infinity
  if (retention !== undefined && retention !== kept) {
    const mending = retention > kept || !live.used ? 'apply' : 'shorten'
    differences.push({ aspect: 'retention', live: kept, needed: retention, mending })
  }
  if (compacted !== undefined && live.compacted !== undefined && compacted !== live.compacted) {
    const mending = live.used ? 'refused' : 'apply'
    differences.push({ aspect: 'compacted', live: live.compacted, needed: compacted, mending })
  }
  if (maxMessageBytes !== undefined && maxMessageBytes > (live.maxMessageBytes ?? Infinity)) {
    const { maxMessageBytes: largest } = live
    differences.push({ aspect: 'maxMessageBytes', live: largest!, needed: maxMessageBytes, mending: 'apply' })
  }
  return differences
}

/** What a difference means to a pipeline that cannot do with it, in words; undefined for one that does no harm. */
export function conflictOf(name: string, difference: TopicDifference): string | undefined {
  if (difference.mending !== 'refused') return undefined
  if (difference.aspect === 'partitions' && difference.needed > difference.live) {
    const { live, needed } = difference
    return `Topic ${name} has records in ${live} ${live === 1 ? 'partition' : 'partitions'}; with ${needed}, its keys would move to others. Keep ${live}, or use a new topic.`
  }
  if (difference.aspect !== 'compacted') return undefined
  return difference.live
    ? `Topic ${name} is compacted and has records: of each key it keeps only the last. Set its cleanup.policy to delete, or use a new topic.`
    : `Topic ${name} is not compacted and has records: what is older than its retention is gone. Set its cleanup.policy to compact, or use a new topic.`
}

/** @throws TopicConflict naming every conflict */
export function throwConflicts(conflicts: readonly string[]): void {
  if (conflicts.length > 0) throw new TopicConflict(conflicts.join('\n'))
}

/** What a broker takes unless a topic says otherwise; batches are made for that. */
const ordinarySize = 1_048_588

/**
 * The same topics, those that must have room for the records of others with the size that follows; the others may get
 * theirs by it, too, as a retry topic does whose records wait in a changelog.
 */
export function withRoom(specs: readonly TopicSpec[], live: ReadonlyMap<string, LiveTopic>): readonly TopicSpec[] {
  const liveSize = (topic: string) => live.get(topic)?.maxMessageBytes ?? ordinarySize
  const sizeToBe = (topic: string) => {
    const roomFor = specs.find(({ name }) => name === topic)?.roomFor
    return Math.max(liveSize(topic), roomFor ? roomIn(roomFor, liveSize) : 0)
  }
  return specs.map((spec) => {
    const { roomFor, ...rest } = spec
    return roomFor ? { ...rest, maxMessageBytes: roomIn(roomFor, sizeToBe) } : spec
  })
}

const roomIn = (
  { topics, factor, extra }: NonNullable<TopicSpec['roomFor']>,
  sizeOf: (topic: string) => number,
): number => Math.max(ordinarySize, Math.max(...topics.map(sizeOf)) * factor + extra)

const maxPartitions = 10_000

/** @throws BrokerError for numbers that no topic can have */
export function checkTopicNumbers({ name, partitions = 1, retention = 1 }: TopicSpec): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    throw new BrokerError(
      `Topic ${name} cannot have ${partitions} partitions: give a number from 1 to ${maxPartitions}.`,
    )
  }
  if (retention !== Infinity && (!Number.isSafeInteger(retention) || retention < 1)) {
    throw new BrokerError(
      `Topic ${name} cannot have a retention of ${retention} ms: give whole milliseconds, at least 1.`,
    )
  }
}
