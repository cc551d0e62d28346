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

export interface Keyed {
  readonly key: string
  readonly value: string
  /** Milliseconds since 1970, as text; absent: now. */
  readonly timestamp?: string
}

/** The n-th price event, the market its key. */
export function byMarket(n: number): Keyed {
  const value = priceEvent(n)
  return { key: (JSON.parse(value) as { market_slug: string }).market_slug, value }
}

/** The n-th price event under one of so many keys, in no order; a hundred of them a second, from a time on. */
export const byKey =
  (keys: number, from: number) =>
  (n: number): Keyed => ({
    key: `key-${(Math.imul(n, 2_654_435_761) >>> 4) % keys}`,
    value: priceEvent(n),
    timestamp: String(from + 10 * n),
  })

/** A topic of the first `count` records. */
export async function fill(kafka: string, topic: string, count: number, record: (n: number) => Keyed): Promise<void> {
  await createTopics(kafka, [topic])
  const createPartitioner =
    () =>
    ({ message }: { message: { key?: Buffer | string | null } }) =>
      partitionOf(Buffer.from(message.key!), partitions)
  const producer = new Kafka({ brokers: [kafka], logLevel: logLevel.NOTHING }).producer({ createPartitioner })
  await producer.connect()
  for (let n = 0; n < count; n += perBatch) {
    const messages = Array.from({ length: Math.min(perBatch, count - n) }, (_, at) => record(n + at))
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}
