import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  describeGroupsV5,
} from '@platformatic/kafka'
import type { MemberInfo } from '../broker.ts'
import { changelogOf } from './changelog.ts'
import { decodeMemberData } from './memberData.ts'
import type { Network } from './network.ts'

/** The members of a group as its coordinator knows them; while a rebalance is under way, they have no partitions yet. */
export async function describeMembers(network: Network, group: string): Promise<MemberInfo[]> {
  const { groups } = await network.persist(`The group ${group} cannot be described`, () =>
    network.callCoordinator('group', group, describeGroupsV5.api, [group], false),
  )
  return groups.flatMap(({ members }) =>
    members.map(({ memberId, clientId, clientHost, memberAssignment, memberMetadata }) => ({
      id: memberId,
      clientId,
      host: clientHost.replace(/^\//, ''),
      partitions:
        memberAssignment.length === 0
          ? []
          : partitionsIn(memberAssignment).filter(({ topic }) => topic !== changelogOf(group)),
      ...dataIn(memberMetadata),
    })),
  )
}

const dataIn = (metadata: Buffer) =>
  metadata.length === 0 ? {} : decodeMemberData(decodeConsumerProtocolSubscription(metadata).userData)

const partitionsIn = (assignment: Buffer) =>
  decodeConsumerProtocolAssignment(assignment).assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
