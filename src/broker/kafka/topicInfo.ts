import { ConfigResourceTypes, describeConfigsV4 } from '@platformatic/kafka'
import type { TopicInfo, TopicPartition } from '../broker.ts'
import type { LiveTopic } from '../topicPlan.ts'
import { codesOf } from './failure.ts'
import type { Network } from './network.ts'
import { logOffsets } from './offsets.ts'
import type { TopicMetadata } from './protocol.ts'

const internal = /^__/

/** Configurations of topics that matter here, by Kafka's names. */
const keys = [
  'retention.ms',
  'retention.bytes',
  'cleanup.policy',
  'max.message.bytes',
  'min.insync.replicas',
  'message.timestamp.type',
  'message.timestamp.after.max.ms',
]

type Configs = ReadonlyMap<string, string>

/** Topics as they are, those of Kafka itself left out. */
export async function describeTopics(network: Network, names?: readonly string[]): Promise<TopicInfo[]> {
  const found = await network.persist('Topics cannot be described', () => network.describe(names))
  const topics = found.filter((topic) => !topic.internal && !internal.test(topic.name))
  if (topics.length === 0) return []
  const configs = await configsOf(network, topics)
  const places = placesOf(topics)
  const [starts, ends] = await Promise.all([
    logOffsets(network, places, 'earliest'),
    logOffsets(network, places, 'latest'),
  ])
  const infos = places.map(({ topic, partition }, at) => {
    return { topic, info: { partition, start: BigInt(starts[at]!), end: BigInt(ends[at]!) } }
  })
  const byTopic = Map.groupBy(infos, ({ topic }) => topic)
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: byTopic.get(name)?.map(({ info }) => info) ?? [],
    replication: partitions[0]?.replicas.length ?? 0,
    ...readConfigs(configs.get(name)),
  }))
}

/** What a pipeline needs to know of topics before it changes any; those that there are. */
export async function liveTopics(network: Network, names: readonly string[]): Promise<Map<string, LiveTopic>> {
  const topics = await network.persist('Topics cannot be described', () => network.describe(names))
  const configs = await configsOf(network, topics)
  const places = placesOf(topics)
  const ends = await logOffsets(network, places, 'latest')
  const used = new Set(places.filter((_, at) => ends[at]! > 0).map(({ topic }) => topic))
  return new Map(
    topics.map(({ name, partitions }) => [
      name,
      { partitions: partitions.length, used: used.has(name), ...readConfigs(configs.get(name)) },
    ]),
  )
}

const placesOf = (topics: readonly TopicMetadata[]): TopicPartition[] =>
  topics.flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition })))

/** What configurations say; nothing where the principal must not see them. */
function readConfigs(configs: Configs | undefined): Omit<TopicInfo, 'name' | 'partitions'> {
  if (!configs) return {}
  const retention = Number(configs.get('retention.ms') ?? -1)
  const retentionBytes = Number(configs.get('retention.bytes') ?? -1)
  const compacted = configs.get('cleanup.policy')?.includes('compact') ?? false
  // Without `delete` in its policy, nothing is deleted for its age or its size.
  const deletes = !compacted || configs.get('cleanup.policy')!.includes('delete')
  return {
    ...(deletes && retention >= 0 && { retention }),
    ...(deletes && retentionBytes >= 0 && { retentionBytes }),
    compacted,
    maxMessageBytes: Number(configs.get('max.message.bytes')),
    minInSync: Number(configs.get('min.insync.replicas')),
    stampsOnAppend: configs.get('message.timestamp.type') === 'LogAppendTime',
    latestTimestamp: Number(configs.get('message.timestamp.after.max.ms')),
  }
}

/** The configurations of topics, without those that the principal must not see. */
async function configsOf(network: Network, topics: readonly TopicMetadata[]): Promise<Map<string, Configs>> {
  const names = topics.map(({ name }) => name)
  try {
    return await describeConfigs(network, names)
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown
  }
  const each = await Promise.all(
    names.map((name) =>
      describeConfigs(network, [name]).catch((thrown: unknown) => {
        if (isRefused(thrown)) return new Map<string, Configs>()
        throw thrown
      }),
    ),
  )
  return new Map(each.flatMap((found) => [...found]))
}

const isRefused = (thrown: unknown): boolean => codesOf(thrown).includes('TOPIC_AUTHORIZATION_FAILED')

async function describeConfigs(network: Network, names: readonly string[]): Promise<Map<string, Configs>> {
  if (names.length === 0) return new Map()
  const resources = names.map((name) => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName: name,
    configurationKeys: keys,
  }))
  const { results } = await network.persist('Topics cannot be described', () =>
    network.callAny(describeConfigsV4.api, resources, false, false),
  )
  return new Map(
    results.map(({ resourceName, configs }) => [
      resourceName,
      new Map(configs.map(({ name, value }) => [name, value ?? ''])),
    ]),
  )
}
