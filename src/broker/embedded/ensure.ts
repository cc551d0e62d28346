import type { TopicSpec } from '../broker.ts'
import { checkTopicNumbers, conflictOf, differencesOf, liveOf } from '../topicPlan.ts'
import type { Log } from './log.ts'

/**
 * Makes a topic as its specification says, as far as nothing is lost by that; to be called inside a transaction.
 * @returns why the pipeline cannot work with it, if so
 * @throws BrokerError for a topic that cannot be
 */
export function ensureTopic(log: Log, spec: TopicSpec, shorten: boolean): string[] {
  checkTopicNumbers(spec)
  const { name, partitions, retention = Infinity } = spec
  const info = log.describe().find((topic) => topic.name === name)
  const differences = differencesOf({ ...spec, retention }, info && liveOf(info))
  const kept = retention === Infinity ? undefined : retention
  if (!info) log.setRetention(log.create(name, partitions ?? 1), kept)
  for (const { aspect, mending } of differences) {
    if (mending === 'refused' || (mending === 'shorten' && !shorten)) continue
    if (aspect === 'partitions') log.addPartitions(log.get(name), partitions!)
    if (aspect === 'retention') log.setRetention(log.get(name), kept)
  }
  return differences.flatMap((difference) => conflictOf(name, difference) ?? [])
}
