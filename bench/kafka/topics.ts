import { deleteTopicsV6 } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { priceEvent } from '../events.ts'
import { Network } from '../../src/broker/kafka/network.ts'
import { platformatic } from '../../src/broker/kafka/platformatic/client.ts'
import type { KafkaSettings } from '../../src/broker/kafka/settings.ts'
import { ensureTopics } from '../../src/broker/kafka/topics.ts'
import { partitionOf } from '../../src/broker/partition.ts'
import { kafkaSettings } from '../../src/topology/kafkaConfig.ts'

export const partitions = 4
const perBatch = 5_000

/** Resolves when they can be written to. */
export const createTopics = (kafka: string, topics: readonly string[]): Promise<void> =>
  withNetwork(kafka, (network, settings) =>
    ensureTopics(
      network,
      settings,
      topics.map((name) => ({ name, partitions })),
    ),
  )

export const deleteTopics = (kafka: string, topics: readonly string[]): Promise<void> =>
  withNetwork(kafka, async (network, { timeouts }) => {
    const named = topics.map((name) => ({ name }))
    await network.callController(deleteTopicsV6.api, named, timeouts.request)
  })

async function withNetwork(
  kafka: string,
  use: (network: Network, settings: KafkaSettings) => Promise<void>,
): Promise<void> {
  const settings = kafkaSettings({ brokers: [kafka] }, '.')
  const network = new Network(settings, platformatic.connect(settings, 'bench'))
  try {
    await use(network, settings)
  } finally {
    await network.close()
  }
}

/** A topic of the first `count` price events, the market of each its key. */
export async function fill(kafka: string, topic: string, count: number): Promise<void> {
  await createTopics(kafka, [topic])
  const createPartitioner =
    () =>
    ({ message }: { message: { key?: Buffer | string | null } }) =>
      partitionOf(Buffer.from(message.key!), partitions)
  const producer = new Kafka({ brokers: [kafka], logLevel: logLevel.NOTHING }).producer({ createPartitioner })
  await producer.connect()
  for (let n = 0; n < count; n += perBatch) {
    const messages = Array.from({ length: Math.min(perBatch, count - n) }, (_, at) => {
      const value = priceEvent(n + at)
      return { key: (JSON.parse(value) as { market_slug: string }).market_slug, value }
    })
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}
