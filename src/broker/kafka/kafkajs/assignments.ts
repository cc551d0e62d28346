import { AssignerProtocol } from 'kafkajs'
import type { TopicPartition } from '../../broker.ts'
import type { Reader } from '../assignment.ts'
import { decodeMemberData, encodeMemberData, type MemberData } from '../memberData.ts'

const { MemberMetadata, MemberAssignment } = AssignerProtocol
const version = 0
const none = Buffer.alloc(0)

/** What a member says when it joins. */
export const encodeSubscription = (topics: readonly string[], data: MemberData): Buffer =>
  MemberMetadata.encode({ version, topics: [...topics], userData: encodeMemberData(data) })

export function decodeSubscription(metadata: Buffer): Reader {
  const { topics = [], userData } = MemberMetadata.decode(metadata) ?? {}
  return { topics, data: decodeMemberData(userData) }
}

/** What the leading member gives to a member. */
export function encodeAssignment(places: readonly TopicPartition[]): Buffer {
  const byTopic = Map.groupBy(places, ({ topic }) => topic)
  const partitions = [...byTopic].map(([topic, own]) => [topic, own.map(({ partition }) => partition)] as const)
  return MemberAssignment.encode({ version, assignment: Object.fromEntries(partitions), userData: none })
}

export const decodeAssignment = (assignment: Buffer): TopicPartition[] =>
  Object.entries(MemberAssignment.decode(assignment)?.assignment ?? {}).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
