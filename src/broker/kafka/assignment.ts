import type { TopicPartition } from '../broker.ts'

/** How long a rebalance waits for its members, in milliseconds. */
export const rebalanceTimeout = 30_000
/** Between attempts to come back to a group, in milliseconds. */
export const rejoinPause = 1_000

/**
 * Partition p of every topic goes to the same member, which has the state of partition p too.
 * @param members topics that each member reads, by its id
 * @param counts partitions of each topic
 */
export function assignByNumber(
  members: ReadonlyMap<string, readonly string[]>,
  counts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const ids = [...members.keys()].toSorted()
  const assignments = new Map(ids.map((id): [string, TopicPartition[]] => [id, []]))
  for (const [topic, count] of counts) {
    const readers = ids.filter((id) => members.get(id)!.includes(topic))
    if (readers.length === 0) continue
    for (let partition = 0; partition < count; partition++)
      assignments.get(readers[partition % readers.length]!)!.push({ topic, partition })
  }
  return assignments
}
