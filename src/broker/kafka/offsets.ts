import { listOffsetsV7, offsetFetchV8, ProtocolError, ResponseError } from '@platformatic/kafka'
import type { Bounds, Position, TopicPartition } from '../broker.ts'
import type { Network } from './network.ts'

/** A committed offset and what was written beside it. */
export interface CommittedOffset extends TopicPartition {
  readonly offset: bigint
  readonly metadata: string
}

/**
 * What a group committed for partitions, each once no transaction that commits for it is open. Asked for all that it ever
 * committed, a broker leaves out those that are being committed for the first time.
 * @param timeout milliseconds to wait for such transactions
 */
export async function committedOffsets(
  network: Network,
  group: string,
  partitions: readonly TopicPartition[] | 'all',
  timeout: number,
): Promise<CommittedOffset[]> {
  const found: CommittedOffset[] = []
  let left = partitions
  await network.persist(
    `The offsets of ${group} cannot be read`,
    async () => {
      const answers = await fetchOffsets(network, group, left)
      found.push(...answers.filter(({ errorCode, offset }) => errorCode === 0 && offset >= 0n))
      // Of a busy group one or the other is always open, but not for long.
      const open = answers.filter(({ errorCode }) => errorCode !== 0)
      if (open.length === 0) return
      left = open
      throw new ProtocolError(open.find(({ errorCode }) => errorCode !== unstable)?.errorCode ?? unstable)
    },
    timeout,
  )
  return found.map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset, metadata }))
}

/** Where a group goes on in a partition; undefined where it never committed. */
export function offsetOf(
  committed: readonly CommittedOffset[],
  { topic, partition }: TopicPartition,
): number | undefined {
  const found = committed.find((each) => each.topic === topic && each.partition === partition)
  return found && Number(found.offset)
}

const unstable = 88

/** One answer for each partition; for those that cannot be told now it is an error. */
async function fetchOffsets(network: Network, group: string, partitions: readonly TopicPartition[] | 'all') {
  const topics = partitions === 'all' ? null : byTopic(partitions)
  const asked = [{ groupId: group, memberEpoch: -1, topics }]
  const { groups } = await network
    .callCoordinator('group', group, offsetFetchV8.api, asked, true)
    .catch((thrown: unknown) => responseIn(thrown))
  return groups.flatMap((own) =>
    own.topics.flatMap(({ name, partitions: each }) =>
      each.map(({ partitionIndex, committedOffset, metadata, errorCode }) => ({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        metadata: metadata ?? '',
        errorCode,
      })),
    ),
  )
}

/** The client throws an answer away in which one partition has an error. @throws what is no such answer */
function responseIn(thrown: unknown): OffsetFetchResponse {
  const response = thrown instanceof ResponseError && (thrown['response'] as Partial<OffsetFetchResponse> | undefined)
  if (response && hasGroups(response) && response.groups.every(({ errorCode }) => errorCode === 0)) return response
  throw thrown
}

/** Not so the answer of who was asked for the coordinator. */
const hasGroups = (response: Partial<OffsetFetchResponse>): response is OffsetFetchResponse =>
  response.groups !== undefined

type OffsetFetchResponse = Awaited<ReturnType<typeof offsetFetchV8.api.async>>

const byTopic = (partitions: readonly TopicPartition[]) =>
  [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, own]) => ({
    name,
    partitionIndexes: own.map(({ partition }) => partition),
  }))

/** Offsets as a request to commit them has them. */
export const asTopics = (offsets: readonly (Position & { readonly metadata?: string })[]) =>
  [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: metadata ?? null,
    })),
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

/** Where the partitions of topics begin and end, open transactions included; of those that there are. */
export async function logBounds(network: Network, topics: readonly string[]): Promise<Bounds[]> {
  const leaders = await Promise.all(topics.map(async (topic) => ({ topic, own: (await network.leaders(topic)) ?? [] })))
  const places = leaders.flatMap(({ topic, own }) => own.map((_, partition) => ({ topic, partition })))
  const [starts, ends] = await Promise.all([
    logOffsets(network, places, 'earliest'),
    logOffsets(network, places, 'latest'),
  ])
  return places.map((place, at) => ({ ...place, start: BigInt(starts[at]!), end: BigInt(ends[at]!) }))
}
