import {
  ConfigResourceTypes,
  createTopicsV7,
  describeConfigsV4,
  describeGroupsV5,
  initProducerIdV4,
  ProtocolError,
} from '@platformatic/kafka'
import type { TopicSpec } from '../broker.ts'
import { loadClient } from './loadClient.ts'
import { codesOf } from './failure.ts'
import { Network } from './network.ts'
import { metadata, type TopicMetadata } from './protocol.ts'
import type { KafkaSettings } from './settings.ts'
import { newTopic } from './topics.ts'

/** What a principal may be allowed to do with a topic or a group. */
export type Operation = 'Read' | 'Write' | 'Describe'

/** A topic as the cluster tells it to the one who asks. */
export interface SurveyedTopic {
  readonly name: string
  readonly allowed: ReadonlySet<Operation>
  /** Partitions that no node leads now. */
  readonly leaderless: readonly number[]
  /** The fewest replicas that a partition of it has, and has in sync. */
  readonly replicas: number
  readonly inSync: number
}

/** Limits of the brokers; those that they do not tell are absent. Durations in milliseconds. */
export interface ClusterLimits {
  readonly transaction?: number
  readonly shortestSession?: number
  readonly longestSession?: number
  /** The longest metadata of a committed offset, in bytes. */
  readonly offsetMetadata?: number
}

/** What a pipeline would find on a cluster, asked without changing anything that others see. */
export interface Survey {
  readonly nodes: number
  readonly limits: ClusterLimits
  /** Of the topics asked about those that there are. */
  readonly topics: readonly SurveyedTopic[]
  /** Topics that must not even be described; they may exist or not. */
  readonly hidden: readonly string[]
  /** Why missing topics could not be created, by name: Kafka's error, and what the broker says to it. */
  readonly refusals: ReadonlyMap<string, Refusal>
  readonly group: ReadonlySet<Operation>
  /** Why there would be no transactions, or no idempotent writes; undefined where there would. */
  readonly producer: Refusal | undefined
}

/** What a broker refuses: by Kafka's name of the error. */
export interface Refusal {
  readonly code: string
  readonly message?: string
}

export interface SurveyOptions {
  readonly settings: KafkaSettings
  readonly group: string
  readonly topics: readonly TopicSpec[]
  readonly transactions: boolean
}

/** Asks a cluster what a pipeline depends on. @throws BrokerError when no node of it answers */
export async function surveyCluster({ settings, group, topics, transactions }: SurveyOptions): Promise<Survey> {
  const client = await loadClient(settings.client)
  const network = new Network(settings, client.connect(settings, 'check'))
  try {
    const names = topics.map(({ name }) => name)
    await network.reach()
    const cluster = await network.callAny(metadata, names, true)
    const there = cluster.topics.filter(({ errorCode }) => errorCode === 0)
    const hidden = cluster.topics.filter(({ errorCode }) => errorCode === topicAuthorizationFailed)
    const missing = topics.filter(
      ({ name }) => !cluster.topics.some((topic) => topic.name === name && topic.errorCode !== unknownTopic),
    )
    return {
      nodes: cluster.nodes.length,
      limits: await limitsOf(network, cluster.nodes[0]!.id),
      topics: there.map(surveyed),
      hidden: hidden.map(({ name }) => name),
      refusals: await refusalsOf(network, settings, missing),
      group: await groupOperations(network, group),
      producer: await producerRefusal(network, settings, transactions),
    }
  } finally {
    await network.close()
  }
}

const unknownTopic = 3
const topicAuthorizationFailed = 29

const surveyed = ({ name, operations, partitions }: TopicMetadata): SurveyedTopic => ({
  name,
  allowed: operationsOf(operations),
  leaderless: partitions.filter(({ leader }) => leader < 0).map(({ partition }) => partition),
  replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
  inSync: Math.min(...partitions.map(({ inSync }) => inSync.length)),
})

/** Bits by Kafka's numbers of ACL operations. */
const bits: readonly (readonly [Operation, number])[] = [
  ['Read', 3],
  ['Write', 4],
  ['Describe', 8],
]

const operationsOf = (operations: number): ReadonlySet<Operation> =>
  new Set(bits.filter(([, bit]) => (operations >> bit) & 1).map(([operation]) => operation))

async function limitsOf(network: Network, node: number): Promise<ClusterLimits> {
  const resource = {
    resourceType: ConfigResourceTypes.BROKER,
    resourceName: String(node),
    configurationKeys: limitKeys,
  }
  const told = await refusable(() => network.call(node, describeConfigsV4.api, [resource], false, false))
  if ('code' in told) return {} // Many principals must not see the configuration of brokers.
  const values = new Map(
    told.answer.results.flatMap(({ configs }) => configs.map(({ name, value }) => [name, Number(value)])),
  )
  return Object.fromEntries(
    Object.entries(limitNames).flatMap(([limit, key]) => (values.has(key) ? [[limit, values.get(key)]] : [])),
  )
}

const limitNames: { readonly [Limit in keyof ClusterLimits]-?: string } = {
  transaction: 'transaction.max.timeout.ms',
  shortestSession: 'group.min.session.timeout.ms',
  longestSession: 'group.max.session.timeout.ms',
  offsetMetadata: 'offset.metadata.max.bytes',
}
const limitKeys = Object.values(limitNames)

/** Has the broker check the creation of topics, without creating them. */
async function refusalsOf(
  network: Network,
  settings: KafkaSettings,
  missing: readonly TopicSpec[],
): Promise<ReadonlyMap<string, Refusal>> {
  const refusals = new Map<string, Refusal>()
  for (const spec of missing) {
    const topic = newTopic(settings, spec)
    const { request } = settings.timeouts
    const answer = await refusable(() => network.callController(createTopicsV7.api, [topic], request, true))
    if ('code' in answer) refusals.set(spec.name, answer)
  }
  return refusals
}

async function groupOperations(network: Network, group: string): Promise<ReadonlySet<Operation>> {
  const told = await refusable(() =>
    network.persist(`The group ${group} cannot be described`, () =>
      network.callCoordinator('group', group, describeGroupsV5.api, [group], true),
    ),
  )
  return 'code' in told ? new Set() : operationsOf(told.answer.groups[0]!.authorizedOperations)
}

async function producerRefusal(
  network: Network,
  { clientId, timeouts: { transaction } }: KafkaSettings,
  transactions: boolean,
): Promise<Refusal | undefined> {
  const id = `${clientId}-check`
  const told = await refusable(() =>
    network.persist('No producer can be had', () =>
      transactions
        ? network.callCoordinator('transaction', id, initProducerIdV4.api, id, transaction, -1n, -1)
        : network.callAny(initProducerIdV4.api, null, transaction, -1n, -1),
    ),
  )
  return 'code' in told ? told : undefined
}

/** The answer, or the error that the broker answers with. @throws everything else */
async function refusable<T>(ask: () => Promise<T>): Promise<Refusal | { readonly answer: T }> {
  try {
    return { answer: await ask() }
  } catch (thrown) {
    const [code] = codesOf(thrown)
    if (code === undefined) throw thrown
    const message = messageIn(thrown)
    return { code, ...(message && { message }) }
  }
}

/** What the broker says beside the code. */
function messageIn(thrown: unknown): string | undefined {
  if (thrown instanceof ProtocolError) return (thrown['serverErrorMessage'] as string) || undefined
  if (thrown instanceof AggregateError) return thrown.errors.map(messageIn).find((message) => message !== undefined)
  return thrown instanceof Error && thrown.cause ? messageIn(thrown.cause) : undefined
}
