import { Kafka, logLevel, type Admin } from 'kafkajs'
import { onTestFinished, vi } from 'vitest'
import { kafkaBrokers } from './open.ts'

/** An administrator of the tests' Kafka who is not Oxbow; gone when the test is. */
export async function openAdmin(brokers: readonly string[] = kafkaBrokers): Promise<Admin> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  return admin
}

/** Creates a topic with configurations by Kafka's names. */
export async function createTopic(
  admin: Admin,
  topic: string,
  configs: { readonly [key: string]: string } = {},
  numPartitions = 1,
): Promise<void> {
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false })
  await areThere(admin, [topic])
}

/** A busy node may know a topic some moments after it was made; kafkajs does not wait for that. */
export const areThere = (admin: Admin, topics: readonly string[]): Promise<unknown> =>
  vi.waitFor(() => admin.fetchTopicMetadata({ topics: [...topics] }), { timeout: 20_000 })

/** Some configurations of a topic, as they are. */
export async function configsOf(admin: Admin, topic: string, names: readonly string[]) {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: topic, configNames: [...names] }],
  })
  return Object.fromEntries(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]))
}
