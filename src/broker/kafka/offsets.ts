import { listOffsetsV7, offsetFetchV8 } from '@platformatic/kafka'
import type { TopicPartition } from '../broker.ts'
import type { Network } from './network.ts'
import { ProtocolError } from '@platformatic/kafka'

/** A committed offset and what was written beside it. */
export interface CommittedOffset extends TopicPartition {
  readonly offset: bigint
  readonly metadata: string
}

/**
 * What a group committed for partitions, once no transaction that commits for them is open. Asked for all that it ever
 * committed, a broker leaves out those that are being committed for the first time.
 * @param timeout milliseconds to wait for such a transaction
 */
export async function committedOffsets(
  network: Network,
  group: string,
  partitions: readonly TopicPartition[] | 'all',
  timeout: number,
): Promise<CommittedOffset[]> {
  const topics = partitions === 'all' ? null : byTopic(partitions)
  const asked = [{ groupId: group, memberEpoch: -1, topics }]
  const { groups } = await network.persist(
    `The offsets of ${group} cannot be read`,
    () => network.callCoordinator('group', group, offsetFetchV8.api, asked, true),
    timeout,
  )
  return groups.flatMap(({ topics: found }) =>
    found.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset, metadata }) => ({
          topic: name,
          partition: partitionIndex,
          offset: committedOffset,
          metadata: metadata ?? '',
        })),
    ),
  )
}

const byTopic = (partitions: readonly TopicPartition[]) =>
  [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, own]) => ({
    name,
    partitionIndexes: own.map(({ partition }) => partition),
  }))

const places = { earliest: -2n, latest: -1n } as const

/** Where partitions begin, or end, open transactions included. In the order asked. */
export async function logOffsets(
  network: Network,
  partitions: readonly TopicPartition[],
  place: keyof typeof places,
): Promise<number[]> {
  return network.persist('Offsets cannot be listed', async () => {
    const found = new Map<string, number>()
    const byNode = new Map<number, TopicPartition[]>()
    for (const each of partitions) {
      const leader = (await network.leaders(each.topic))?.[each.partition] ?? -1
      if (leader < 0) throw new ProtocolError('LEADER_NOT_AVAILABLE')
      byNode.set(leader, [...(byNode.get(leader) ?? []), each])
    }
    const ask = async ([node, own]: readonly [number, readonly TopicPartition[]]): Promise<void> => {
      const topics = [...Map.groupBy(own, ({ topic }) => topic)].map(([name, each]) => ({
        name,
        partitions: each.map(({ partition }) => ({
          partitionIndex: partition,
          currentLeaderEpoch: -1,
          timestamp: places[place],
        })),
      }))
      const answer = await network.call(node, listOffsetsV7.api, -1, 0, topics)
      for (const { name, partitions: each } of answer.topics)
        for (const { partitionIndex, offset } of each) found.set(`${name}/${partitionIndex}`, Number(offset))
    }
    await Promise.all([...byNode].map(ask))
    return partitions.map(({ topic, partition }) => found.get(`${topic}/${partition}`) ?? 0)
  })
}
