import {
  ConfigResourceTypes,
  createPartitionsV3,
  createTopicsV7,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
} from '@platformatic/kafka'
import type { TopicSpec } from '../broker.ts'
import { checkTopicName } from '../topicName.ts'
import {
  checkTopicNumbers,
  conflictOf,
  differencesOf,
  throwConflicts,
  withRoom,
  type TopicDifference,
} from '../topicPlan.ts'
import { codesOf } from './failure.ts'
import type { Network } from './network.ts'
import type { KafkaSettings } from './settings.ts'
import { liveTopics } from './topicInfo.ts'

const topicResource = ConfigResourceTypes.TOPIC
const set = IncrementalAlterConfigOperationTypes.SET
/**
 * Creates what is missing and adjusts what can be without loss; partitions are never taken away. Idempotent.
 * @param shorten whether records may be deleted by a shorter retention
 * @throws TopicConflict after all of it, for topics that cannot be as asked
 */
export async function ensureTopics(
  network: Network,
  settings: KafkaSettings,
  specs: readonly TopicSpec[],
  shorten = false,
): Promise<void> {
  for (const spec of specs) checkTopic(spec)
  // What makes room for the records of others comes after them, when their sizes are known.
  const [dependent, others] = [specs.filter(({ roomFor }) => roomFor), specs.filter(({ roomFor }) => !roomFor)]
  const conflicts = await ensure(network, settings, others, shorten)
  if (dependent.length > 0) {
    const live = await liveTopics(network, [...new Set(dependent.flatMap(({ roomFor }) => roomFor!.topics))])
    conflicts.push(...(await ensure(network, settings, withRoom(dependent, live), shorten)))
  }
  throwConflicts(conflicts)
}

async function ensure(
  network: Network,
  settings: KafkaSettings,
  specs: readonly TopicSpec[],
  shorten: boolean,
): Promise<string[]> {
  const live = await liveTopics(
    network,
    specs.map(({ name }) => name),
  )
  const conflicts: string[] = []
  for (const spec of specs) {
    const differences = differencesOf(spec, live.get(spec.name))
    if (!live.has(spec.name)) await create(network, settings, spec)
    await adjust(
      network,
      settings,
      spec,
      differences.filter(({ mending }) => mending === 'apply' || (mending === 'shorten' && shorten)),
    )
    conflicts.push(...differences.flatMap((difference) => conflictOf(spec.name, difference) ?? []))
  }
  return conflicts
}

/** A feed may date an entry in the future, which Kafka would refuse from an hour on. */
const anyTimestamp = [['message.timestamp.after.max.ms', '9223372036854775807']] as const

/** A topic that is to be created: -1 stands for the broker's default. */
export const newTopic = ({ replication = -1 }: KafkaSettings, spec: TopicSpec) => ({
  name: spec.name,
  numPartitions: spec.partitions ?? -1,
  replicationFactor: replication,
  assignments: [],
  configs: [...configsOf(spec), ...anyTimestamp].map(([name, value]) => ({ name, value })),
})

async function create(network: Network, settings: KafkaSettings, spec: TopicSpec): Promise<void> {
  const { name } = spec
  await network.persist(`The topic ${name} cannot be created`, async () => {
    try {
      await network.callController(createTopicsV7.api, [newTopic(settings, spec)], settings.timeouts.request, false)
    } catch (thrown) {
      if (!codesOf(thrown).includes('TOPIC_ALREADY_EXISTS')) throw thrown
    }
    await seen(network, name, 1)
  })
}

/** Whether whoever is asked knows of so many partitions by now, each with a leader. @throws what passes, until it is so */
async function seen(network: Network, topic: string, partitions: number): Promise<void> {
  network.refresh()
  const leaders = (await network.leaders(topic)) ?? []
  if (leaders.length < partitions || leaders.some((leader) => leader < 0))
    throw Object.assign(new Error('no leader yet'), { code: 'ECONNRESET' })
}

const keyOf = { retention: 'retention.ms', compacted: 'cleanup.policy', maxMessageBytes: 'max.message.bytes' } as const

async function adjust(
  network: Network,
  settings: KafkaSettings,
  spec: TopicSpec,
  differences: readonly TopicDifference[],
): Promise<void> {
  const { name } = spec
  if (differences.some(({ aspect }) => aspect === 'partitions')) await addPartitions(network, settings, spec)
  const wanted = configsOf(spec)
  const configs = differences.flatMap(({ aspect }) => {
    if (aspect === 'missing' || aspect === 'partitions') return []
    return [{ name: keyOf[aspect], value: wanted.get(keyOf[aspect])!, configOperation: set }]
  })
  if (configs.length === 0) return
  await network.persist(`The topic ${name} cannot be configured`, () =>
    network.callController(
      incrementalAlterConfigsV1.api,
      [{ resourceType: topicResource, resourceName: name, configs }],
      false,
    ),
  )
}

/** Brokers take an empty list of assignments for one that is too short; the client sends null where its types say a list. */
const chosenByBroker = null as unknown as []

async function addPartitions(network: Network, settings: KafkaSettings, spec: TopicSpec): Promise<void> {
  const topic = { name: spec.name, count: spec.partitions!, assignments: chosenByBroker }
  await network.persist(`The topic ${spec.name} cannot be given more partitions`, () =>
    network.callController(createPartitionsV3.api, [topic], settings.timeouts.request, false),
  )
  await network.persist(`The new partitions of ${spec.name} have no leader`, () =>
    seen(network, spec.name, topic.count),
  )
}

function configsOf({ retention, compacted, maxMessageBytes }: TopicSpec): Map<string, string> {
  const configs = new Map<string, string>()
  if (retention !== undefined) configs.set('retention.ms', retention === Infinity ? '-1' : String(retention))
  if (compacted !== undefined) configs.set('cleanup.policy', compacted ? 'compact' : 'delete')
  if (maxMessageBytes !== undefined) configs.set('max.message.bytes', String(maxMessageBytes))
  return configs
}

function checkTopic(spec: TopicSpec): void {
  checkTopicName(spec.name)
  checkTopicNumbers(spec)
}
