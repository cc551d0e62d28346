import { ProtocolError } from '@platformatic/kafka'
import type { TopicPartition } from '../broker.ts'
import type { Network } from './network.ts'
import { logOffsets } from './offsets.ts'

/** A partition of a changelog as it is now. */
export interface Original {
  /** Undefined where there is none: nothing was ever written. */
  readonly topicId: string | undefined
  /** Offset of the first record kept, and that of the next one to come. */
  readonly start: number
  readonly end: number
}

/**
 * @param place of a changelog
 * @param isRead whether a member of this process reads for its group: then there is one, even if a node does not know it yet
 */
export async function originalOf(network: Network, place: TopicPartition, isRead: boolean): Promise<Original> {
  const { topic, partition } = place
  const found = await network.persist(`${topic} cannot be restored`, async () => {
    const [known] = await network.describe([topic])
    if (!known && isRead) throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION')
    return known
  })
  if (found?.partitions[partition] === undefined) return { topicId: undefined, start: 0, end: 0 }
  const [end] = await logOffsets(network, [place], 'latest')
  const [start] = await logOffsets(network, [place], 'earliest')
  return { topicId: found.id, start: start!, end: end! }
}
