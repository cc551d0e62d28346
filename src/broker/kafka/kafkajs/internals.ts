import { Kafka, type Cluster, type KafkaConfig } from 'kafkajs'

/** A request as kafkajs sends it, and how its answer is read. */
interface ProtocolRequest<R> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    /** The body, in the shape of kafkajs' encoder. */
    readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>
  }
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<Buffer>
    readonly parse: (payload: Buffer) => Promise<R>
  }
  /** Milliseconds, where it may take longer than others. */
  readonly requestTimeout?: number
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

interface KafkajsConnection {
  readonly requestQueue: RequestQueue
  send<R>(request: ProtocolRequest<R>): Promise<R>
}

/** What is used of kafkajs 2.2.4 beyond its documentation; the version is pinned for that. */
interface OpenCluster extends Cluster {
  readonly brokerPool: {
    readonly seedBroker: { readonly connectionPool: { readonly pool: readonly [KafkajsConnection, KafkajsConnection] } }
  }
}

/** A cluster of kafkajs as it gives it to assigners of partitions: connections, without a consumer. */
export function openCluster(config: KafkaConfig): OpenCluster {
  let given: Cluster | undefined
  new Kafka(config).consumer({
    groupId: 'none',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        given = cluster
        return neverAsked
      },
    ],
  })
  return given as OpenCluster
}

const neverAsked = {
  name: 'none',
  version: 0,
  assign: async () => [],
  protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
}

/**
 * The connection to the node that a cluster was opened with, once it is connecting. The second of its pool is left alone:
 * kafkajs opens it once for each request that comes while it is being opened.
 */
export const connectionOf = ({ brokerPool }: OpenCluster): KafkajsConnection =>
  brokerPool.seedBroker.connectionPool.pool[0]

/** On Node 24, kafkajs looks for requests held back by a quota every millisecond, whether there are any or not. */
export function quieten({ requestQueue }: KafkajsConnection): void {
  if (Object.hasOwn(requestQueue, 'scheduleCheckPendingRequests')) return
  const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue)
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) schedule()
  }
}
