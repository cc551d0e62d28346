import { BrokerError, type TopicSpec } from '../broker.ts'
import type { Log, Topic } from './log.ts'

const maxPartitions = 10_000

/**
 * Makes a topic as its specification says; to be called inside a transaction. Partitions are never taken away, and
 * only a topic that never had a record gets more of them, or one whose records name theirs: its keys would move.
 * @throws BrokerError when the topic cannot be as asked
 */
export function ensureTopic(log: Log, spec: TopicSpec): void {
  const { name, partitions, retention, byNumber } = spec
  checkNumbers(spec)
  const topic = log.find(name) ?? log.create(name, partitions ?? 1)
  if (partitions !== undefined && partitions > topic.partitions.length) {
    if (!byNumber && topic.partitions.some(({ end }) => end > 0)) throw wouldMoveKeys(topic, partitions)
    log.addPartitions(topic, partitions)
  }
  log.setRetention(topic, retention)
}

function checkNumbers({ name, partitions = 1, retention = 1 }: TopicSpec): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    throw new BrokerError(
      `Topic ${name} cannot have ${partitions} partitions: give a number from 1 to ${maxPartitions}.`,
    )
  }
  if (!Number.isSafeInteger(retention) || retention < 1) {
    throw new BrokerError(
      `Topic ${name} cannot have a retention of ${retention} ms: give whole milliseconds, at least 1.`,
    )
  }
}

const wouldMoveKeys = ({ name, partitions: { length } }: Topic, wanted: number): BrokerError =>
  new BrokerError(
    `Topic ${name} has records in ${length} ${length === 1 ? 'partition' : 'partitions'}; with ${wanted}, its keys would move to others. Keep ${length}, or use a new topic.`,
  )
