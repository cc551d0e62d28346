import { deleteRecordsV2, ProtocolError } from '@platformatic/kafka'
import type { Position } from '../broker.ts'
import type { Network } from './network.ts'

/** Deletes the records before these offsets, and does not try again: there is time. @throws what a node or the network says */
export async function trimLogs(network: Network, positions: readonly Position[], timeout: number): Promise<void> {
  for (const { topic, partition, offset } of positions) {
    const leader = (await network.leaders(topic))?.[partition]
    if (leader === undefined) continue
    if (leader < 0) throw new ProtocolError('LEADER_NOT_AVAILABLE')
    const partitions = [{ partitionIndex: partition, offset }]
    await network.call(leader, deleteRecordsV2.api, [{ name: topic, partitions }], timeout)
  }
}
