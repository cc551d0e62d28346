import { describe, inject } from 'vitest'
import { openKafka } from '../../../src/broker/kafka/kafka.ts'
import { platformatic } from '../../../src/broker/kafka/platformatic/client.ts'
import type { KafkaSettings } from '../../../src/broker/kafka/settings.ts'
import { kafkaSettings, type KafkaConfig } from '../../../src/topology/kafkaConfig.ts'

const found = inject('kafka')

/** Tests that need Kafka: skipped, with the reason in their title, where there is none; under CI the set-up has failed before. */
export const describeKafka = 'missing' in found ? describe.skip : describe

/** host:port of the nodes */
export const kafkaBrokers = 'missing' in found ? [] : found.brokers

/** Settings for the Kafka of the tests, with short timeouts. */
export const testSettings = (config: Partial<KafkaConfig> = {}): KafkaSettings =>
  kafkaSettings(
    {
      brokers: [...kafkaBrokers],
      clientId: 'test',
      timeouts: { session: 10_000, heartbeat: 1_000, transaction: 10_000, delivery: 10_000 },
      ...config,
    },
    '.',
  )

/** Connections to it by the default client. */
export const testConnections = () => platformatic.connect(testSettings(), 'test')

export const clients = ['platformatic', 'kafkajs'] as const

export const guarantees = ['exactlyOnce', 'atLeastOnce'] as const

export const openTestKafka = (guarantee: (typeof guarantees)[number], config: Partial<KafkaConfig> = {}) =>
  openKafka({ settings: testSettings(config), guarantee })
