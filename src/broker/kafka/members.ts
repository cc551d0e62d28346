import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  describeGroupsV5,
} from '@platformatic/kafka'
import type { MemberInfo } from '../broker.ts'
import { changelogOf } from './changelog.ts'
import { standbysIn } from './assignment.ts'
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
      partitions: partitionsIn(memberAssignment).filter(({ topic }) => topic !== changelogOf(group)),
      standbys: standbysIn(partitionsIn(memberAssignment), changelogOf(group)),
      ...addressIn(memberMetadata),
    })),
  )
}

function addressIn(metadata: Buffer): Pick<MemberInfo, 'address'> {
  if (metadata.length === 0) return {}
  const { address } = decodeMemberData(decodeConsumerProtocolSubscription(metadata).userData)
  return { ...(address !== undefined && { address }) }
}

const partitionsIn = (assignment: Buffer) =>
  decodeConsumerProtocolAssignment(assignment).assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
