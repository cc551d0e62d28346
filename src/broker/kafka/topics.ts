import { ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'
import { BrokerError, type PartitionInfo, type TopicInfo, type TopicSpec } from '../broker.ts'
import { checkTopicName } from '../topicName.ts'
import { codesOf } from './failure.ts'
import type { Network } from './network.ts'
import { logOffsets } from './offsets.ts'
import type { TopicMetadata } from './protocol.ts'
import { fetchFrom, recordsOf } from './reader.ts'
import type { KafkaSettings } from './settings.ts'

const topicResource = ConfigResourceTypes.TOPIC
const set = IncrementalAlterConfigOperationTypes.SET
const internal = /^__/

/** Configurations of topics that matter here, by Kafka's names. */
const keys = ['retention.ms', 'cleanup.policy', 'max.message.bytes', 'min.insync.replicas']

/** Creates what is missing and adjusts what is configured; partitions are never taken away. Idempotent. */
export async function ensureTopics(
  network: Network,
  settings: KafkaSettings,
  specs: readonly TopicSpec[],
): Promise<void> {
  for (const spec of specs) check(spec)
  const there = await network.persist('Topics cannot be described', () =>
    network.describe(specs.map(({ name }) => name)),
  )
  for (const spec of specs) {
    const topic = there.find(({ name }) => name === spec.name)
    if (topic) await adjust(network, spec, topic)
    else await create(network, settings, spec)
  }
}

/** A feed may date an entry in the future, which Kafka would refuse from an hour on. */
const anyTimestamp = [['message.timestamp.after.max.ms', '9223372036854775807']] as const

async function create(network: Network, { replication }: KafkaSettings, spec: TopicSpec): Promise<void> {
  const { name, partitions = -1 } = spec
  await network.persist(`The topic ${name} cannot be created`, async () => {
    try {
      const configs = [...configsOf(spec), ...anyTimestamp].map(([name, value]) => ({ name, value }))
      await network.admin.createTopics({ topics: [name], partitions, replicas: replication ?? -1, configs })
    } catch (thrown) {
      if (!codesOf(thrown).includes('TOPIC_ALREADY_EXISTS')) throw thrown
    }
    network.refresh()
    const leaders = await network.leaders(name)
    if (!leaders || leaders.some((leader) => leader < 0))
      throw Object.assign(new Error('no leader yet'), { code: 'ECONNRESET' })
  })
}

async function adjust(network: Network, spec: TopicSpec, topic: TopicMetadata): Promise<void> {
  const { name, partitions = 1 } = spec
  if (partitions > topic.partitions.length) await addPartitions(network, spec, topic)
  const live = (await describeConfigs(network, [name])).get(name)!
  const different = [...configsOf(spec)].filter(([key, value]) => live.get(key) !== value)
  if (different.length === 0) return
  const configs = different.map(([key, value]) => ({ name: key, value, configOperation: set }))
  await network.persist(`The topic ${name} cannot be configured`, () =>
    network.admin.incrementalAlterConfigs({
      resources: [{ resourceType: topicResource, resourceName: name, configs }],
    }),
  )
}

/** Only a topic that never had a record gets more partitions, or one whose partitions are chosen by number: keys would move. */
async function addPartitions(network: Network, spec: TopicSpec, topic: TopicMetadata): Promise<void> {
  const { name, partitions = 1, compacted, byNumber } = spec
  const { length } = topic.partitions
  const ends = await logOffsets(
    network,
    topic.partitions.map(({ partition }) => ({ topic: name, partition })),
    'latest',
  )
  if (!compacted && !byNumber && ends.some((end) => end > 0)) {
    throw new BrokerError(
      `Topic ${name} has records in ${length} ${length === 1 ? 'partition' : 'partitions'}; with ${partitions}, its keys would move to others. Keep ${length}, or use a new topic.`,
    )
  }
  await network.persist(`The topic ${name} cannot be given more partitions`, () =>
    network.admin.createPartitions({ topics: [{ name, count: partitions, assignments: [] }] }),
  )
  network.refresh()
}

function configsOf({ retention, compacted, maxMessageBytes }: TopicSpec): Map<string, string> {
  const configs = new Map<string, string>()
  if (retention !== undefined) configs.set('retention.ms', String(retention))
  if (compacted !== undefined) configs.set('cleanup.policy', compacted ? 'compact' : 'delete')
  if (maxMessageBytes !== undefined) configs.set('max.message.bytes', String(maxMessageBytes))
  return configs
}

/** Topics as they are, those of Kafka itself left out. */
export async function describeTopics(network: Network, names?: readonly string[]): Promise<TopicInfo[]> {
  const found = await network.persist('Topics cannot be described', () => network.describe(names))
  const topics = found.filter((topic) => !topic.internal && !internal.test(topic.name))
  if (topics.length === 0) return []
  const configs = await describeConfigs(
    network,
    topics.map(({ name }) => name),
  )
  const places = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, partition })),
  )
  const [starts, ends] = await Promise.all([
    logOffsets(network, places, 'earliest'),
    logOffsets(network, places, 'latest'),
  ])
  const infos = await Promise.all(places.map((place, at) => describePartition(network, place, starts[at]!, ends[at]!)))
  return topics.map(({ name, partitions }) => {
    const config = configs.get(name)!
    const retention = Number(config.get('retention.ms') ?? -1)
    return {
      name,
      ...(retention >= 0 && { retention }),
      partitions: infos.filter((_, at) => places[at]!.topic === name),
      replication: partitions[0]?.replicas.length ?? 0,
      compacted: config.get('cleanup.policy')?.includes('compact') ?? false,
      maxMessageBytes: Number(config.get('max.message.bytes')),
      minInSync: Number(config.get('min.insync.replicas')),
    }
  })
}

async function describePartition(
  network: Network,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  start: number,
  end: number,
): Promise<PartitionInfo> {
  const info = { partition, start: BigInt(start), end: BigInt(end) }
  if (start === end) return info
  const leader = (await network.leaders(topic))?.[partition] ?? -1
  const limits = { maxWait: 0, maxBytes: 1, partitionBytes: 1 }
  const fetched = leader < 0 ? [] : await fetchFrom(network, leader, [{ topic, partition, offset: start }], limits)
  const oldest = fetched.flatMap(recordsOf)[0]?.timestamp
  return oldest === undefined ? info : { ...info, oldest }
}

async function describeConfigs(network: Network, names: readonly string[]): Promise<Map<string, Map<string, string>>> {
  const resources = names.map((name) => ({
    resourceType: topicResource,
    resourceName: name,
    configurationKeys: keys,
  }))
  const described = await network.persist('Topics cannot be described', () =>
    network.admin.describeConfigs({ resources }),
  )
  return new Map(
    described.map(({ resourceName, configs }) => [
      resourceName,
      new Map(configs.map(({ name, value }) => [name, value ?? ''])),
    ]),
  )
}

const maxPartitions = 10_000

function check({ name, partitions = 1, retention = 1 }: TopicSpec): void {
  checkTopicName(name)
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    throw new BrokerError(
      `Topic ${name} cannot have ${partitions} partitions: give a number from 1 to ${maxPartitions}.`,
    )
  }
  if (!Number.isSafeInteger(retention) || retention < 1) {
    throw new BrokerError(
      `Topic ${name} cannot have a retention of ${retention} ms: give whole milliseconds, at least 1.`,
    )
  }
}
