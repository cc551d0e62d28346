import { NetworkError } from '@platformatic/kafka'
import type { Connections, Node } from '../client.ts'
import type { KafkaSettings } from '../settings.ts'
import { Peer } from './peer.ts'

/** Connections by kafkajs. @param role what they are for; part of the client id */
export function connect(settings: KafkaSettings, role: string): Connections {
  const peers = new Map<string, Peer>()
  let closed = false
  const peerOf = (node: Node): Peer => {
    const address = `${node.host}:${node.port}`
    const known = peers.get(address)
    if (known) return known
    const peer = new Peer(settings, role, node)
    peers.set(address, peer)
    return peer
  }
  return {
    to: async (node) => {
      if (closed) throw new NetworkError('The connections are closed.', { closed })
      const peer = peerOf(node)
      await peer.connect()
      return peer
    },
    close: async () => {
      closed = true
      await Promise.all([...peers.values()].map((peer) => peer.close()))
    },
  }
}
