import type { TopicInfo, TopicSpec } from '../broker/broker.ts'
import { differencesOf, liveOf, withRoom, type TopicDifference } from '../broker/topicPlan.ts'
import { durationText } from '../component/fields.ts'

/** A topic as it is. */
interface LiveText {
  readonly partitions: number
  /** Milliseconds; for ever when absent. */
  readonly retention?: number
  readonly replication?: number
  readonly compacted?: boolean
  readonly maxMessageBytes?: number
}

/** A topic as a pipeline needs it, next to what there is. */
export interface TopicComparison {
  readonly name: string
  readonly exists: boolean
  /** Absent where the pipeline leaves it to the broker, as are those below. */
  readonly partitions?: number
  /** Milliseconds; for ever when absent. */
  readonly retention?: number
  readonly compacted?: boolean
  readonly maxMessageBytes?: number
  readonly live?: LiveText
  /** In words; empty when all is as it should be. */
  readonly differences: readonly string[]
  /** What --apply would do about them, in words. */
  readonly apply: readonly string[]
}

/** A topic with what differs, for those who put it into words of their own. */
export interface ComparedTopic {
  readonly spec: TopicSpec
  readonly live: TopicInfo | undefined
  readonly differences: readonly TopicDifference[]
}

/** @param live the topics needed, and those whose records must fit into them */
export function compareTopics(needed: readonly TopicSpec[], live: readonly TopicInfo[]): ComparedTopic[] {
  const lives = new Map(live.map((info) => [info.name, liveOf(info)]))
  return withRoom(needed, lives).map((spec) => ({
    spec,
    live: live.find(({ name }) => name === spec.name),
    differences: differencesOf(spec, lives.get(spec.name)),
  }))
}

/** As `oxbow topics` shows it. */
export function describeComparison({ spec, live, differences }: ComparedTopic): TopicComparison {
  const { name, ...wanted } = spec
  return {
    name,
    ...wanted,
    exists: live !== undefined,
    ...(live && { live: liveText(live) }),
    differences: differences.map(differenceText),
    apply: differences.map((difference) => mendingText(difference, spec)),
  }
}

function liveText({ partitions, retention, replication, compacted, maxMessageBytes }: TopicInfo): LiveText {
  return {
    partitions: partitions.length,
    ...(retention !== undefined && { retention }),
    ...(replication !== undefined && { replication }),
    ...(compacted !== undefined && { compacted }),
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
  }
}

/** "has 2 partitions, the config says 4" */
export function differenceText(difference: TopicDifference): string {
  switch (difference.aspect) {
    case 'missing':
      return 'is missing'
    case 'partitions':
      return `has ${counted(difference.live)}, the config says ${difference.needed}`
    case 'retention':
      return `keeps records ${kept(difference.live)}, the config says ${kept(difference.needed)}`
    case 'compacted':
      return difference.live
        ? 'is compacted (of each key only the last record is kept), and must not be'
        : 'is not compacted (old records are deleted), and must be'
    case 'maxMessageBytes':
      return `takes batches of ${difference.live} bytes, ${difference.needed} are needed`
  }
}

/** What becomes of a difference with --apply. */
function mendingText(difference: TopicDifference, { partitions, retention }: TopicSpec): string {
  switch (difference.aspect) {
    case 'missing':
      return `creates it${partitions === undefined ? '' : ` with ${counted(partitions)}`}${retention === undefined ? '' : `, records kept ${kept(retention)}`}`
    case 'partitions':
      if (difference.mending === 'apply') return `adds ${counted(difference.needed - difference.live)}`
      return difference.needed > difference.live
        ? `leaves it: its keys would move to other partitions; keep ${difference.live}, or use a new topic`
        : `leaves it: partitions are never taken away; say ${difference.live} in the config, or leave it out`
    case 'retention':
      return difference.mending === 'apply'
        ? `keeps records ${kept(difference.needed)}`
        : 'leaves it: records would be deleted; add --shorten if they may be'
    case 'compacted':
      return difference.mending === 'apply'
        ? `sets cleanup.policy to ${difference.needed ? 'compact' : 'delete'}`
        : `leaves it: records may be lost by it; set its cleanup.policy to ${difference.needed ? 'compact' : 'delete'} by hand, or use a new topic`
    case 'maxMessageBytes':
      return `sets max.message.bytes to ${difference.needed}`
  }
}

const counted = (partitions: number): string => `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`

export const kept = (retention: number | undefined): string =>
  retention === undefined || retention === Infinity ? 'for ever' : durationText(retention)
