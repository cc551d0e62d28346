import type { Client } from '../client.ts'
import { connect } from './connections.ts'
import { KafkajsMembership } from './member.ts'

/** kafkajs 2.2: its connections with their TLS and SASL, and its encoding of group membership. */
export const kafkajs: Client = {
  connect,
  member: (parts, changed) => new KafkajsMembership(parts, changed),
}
