import { hostname } from 'node:os'
import type { Connection as PlatformaticConnection } from '@platformatic/kafka'
import type { GroupMember, TopicPartition } from '../broker.ts'
import type { MemberData } from './memberData.ts'
import type { KafkaSettings } from './settings.ts'

/** The address of a node. */
export interface Node {
  readonly host: string
  readonly port: number
}

/** What the requests of the protocol need of a connection: they are written by the API makers of @platformatic/kafka. */
export type Connection = Pick<PlatformaticConnection, 'send'>

/** Connections to the nodes of a cluster for one purpose, secured and authenticated as the settings say. */
export interface Connections {
  /** The connection to a node, made when it is missing. Requests over one connection are answered in their order. */
  to(node: Node): Promise<Connection>
  /** Ends all of them; what is still asked fails. */
  close(): Promise<void>
}

/** What a rebalance gave to a member. */
export interface Term {
  readonly member: GroupMember
  readonly partitions: readonly TopicPartition[]
  /** The partitions of whose state it is to keep a copy: other members have them. */
  readonly standbys: readonly number[]
}

/**
 * Membership of a consumer group by the classic protocol, with heartbeats in the background; what fails is tried again
 * for ever. KIP-848 groups give no generation that a transaction could be fenced by.
 */
export interface Membership {
  /** What the last rebalance gave; undefined before the first. */
  readonly term: Term | undefined
  /** Whether its term is about to end: what is begun now would hardly be committed in it. */
  readonly leaving: boolean
  /** Why it is not in its group, if so. */
  failure: Error | undefined
  /** @throws BrokerError */
  join(): Promise<void>
  /** Leaves the group, so that others need not wait for its session to end. */
  close(): Promise<void>
}

export interface MembershipParts {
  readonly settings: KafkaSettings
  /** It subscribes to its changelog too, of which copies are assigned: without, Kafka would let the ledger expire. */
  readonly group: string
  readonly topics: readonly string[]
  /** The thread of this process that is the member. */
  readonly thread: number
  /** Copies of each partition's state that other members keep. */
  readonly standbyReplicas: number
  /** What the others are told of it; asked for anew each time that it joins. */
  readonly data: () => MemberData
}

/** Whoever looks at the group sees which replica and which of its threads a member is. */
export const memberRole = (thread: number): string => `${hostname()}-${process.pid}-${thread}`

/**
 * A client library, as far as it is taken: how nodes are reached, and how a group is joined. Requests, records and
 * transactions are the adapter's own, and so the same with each.
 */
export interface Client {
  /** @param role what the connections are for; part of the client id */
  connect(settings: KafkaSettings, role: string): Connections
  /** @param changed called after each rebalance, and when `failure` is set */
  member(parts: MembershipParts, changed: () => void): Membership
}
