import { setTimeout } from 'node:timers/promises'
import {
  Admin,
  describeTransactionsV0,
  findCoordinatorV4,
  listTransactionsV1,
  NetworkError,
  type Connection,
} from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import type { Cluster } from '../../support/kafka/cluster.ts'

const groupKey = 0
const patience = 20_000

/** The node that coordinates a group. */
export const groupCoordinator = (cluster: Cluster, group: string): Promise<number> =>
  asking(cluster, async (connection) => {
    const { coordinators } = await findCoordinatorV4.api.async(connection, groupKey, [group])
    return coordinators[0]!.nodeId
  })

/** A node that coordinates transactions of a client. */
export async function transactionCoordinator(cluster: Cluster, clientId: string): Promise<number> {
  for (const node of cluster.nodes.keys()) {
    const ids = await asking(cluster, (connection) => transactionsOf(connection, clientId), node)
    if (ids.length > 0) return node
  }
  throw new Error(`There are no transactions of ${clientId}.`)
}

/** When the transactions of a client began that are open now, by their ids. */
export async function openTransactions(cluster: Cluster, clientId: string): Promise<Map<string, bigint>> {
  const open = new Map<string, bigint>()
  for (const node of cluster.nodes.keys()) {
    await asking(
      cluster,
      async (connection) => {
        const ids = await transactionsOf(connection, clientId)
        if (ids.length === 0) return
        const { transactionStates } = await describeTransactionsV0.api.async(connection, ids)
        for (const { transactionalId, transactionState, transactionStartTimeMs } of transactionStates)
          if (transactionState === 'Ongoing') open.set(transactionalId, transactionStartTimeMs)
      },
      node,
    )
  }
  return open
}

async function transactionsOf(connection: Connection, clientId: string): Promise<string[]> {
  const { transactionStates } = await listTransactionsV1.api.async(connection, [], [], -1n, null)
  return transactionStates.map(({ transactionalId }) => transactionalId).filter((id) => id.startsWith(clientId))
}

/** Asks a node, which may just be coming back from the fault before. */
async function asking<T>(cluster: Cluster, ask: (connection: Connection) => Promise<T>, node = 0): Promise<T> {
  for (const deadline = Date.now() + patience; ; await setTimeout(200)) {
    try {
      return await askOnce(cluster, ask, node)
    } catch (thrown) {
      if (!(thrown instanceof NetworkError) || Date.now() > deadline) throw thrown
    }
  }
}

async function askOnce<T>(cluster: Cluster, ask: (connection: Connection) => Promise<T>, node: number): Promise<T> {
  const admin = new Admin({ clientId: 'faults', bootstrapBrokers: cluster.bootstrap })
  try {
    return await ask(await admin.connections.get({ host: '127.0.0.1', port: cluster.nodes[node]!.port }))
  } finally {
    await admin.close()
  }
}

/** Makes the next replica of each partition the preferred one, those of Kafka's own topics included. */
export async function rotateReplicas(cluster: Cluster): Promise<void> {
  const admin = new Kafka({ brokers: cluster.bootstrap, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata()
    await admin.alterPartitionReassignments({
      topics: topics.map(({ name: topic, partitions }) => ({
        topic,
        partitionAssignment: partitions.map(({ partitionId: partition, replicas }) => ({
          partition,
          replicas: [...replicas.slice(1), replicas[0]!],
        })),
      })),
    })
  } finally {
    await admin.disconnect()
  }
}
