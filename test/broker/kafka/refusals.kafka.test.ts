import { refusalContract } from '../../contract/broker/refusals.ts'
import { createTopic, openAdmin } from '../../support/kafka/admin.ts'
import { clients, describeKafka, guarantees, openTestKafka } from '../../support/kafka/open.ts'

const limitedBy = (configs: { readonly [key: string]: string }) => async (topic: string) =>
  createTopic(await openAdmin(), topic, configs)

const kinds = {
  'a record that is too large': {
    limit: limitedBy({ 'max.message.bytes': '10000' }),
    bad: { value: Buffer.alloc(10_001, 'x') },
    good: { value: Buffer.from('y'.repeat(100)) },
    reason: /too large for the topic .*max.message.bytes/,
  },
  'a record from the future': {
    limit: limitedBy({ 'message.timestamp.after.max.ms': '3600000' }),
    bad: { timestamp: 8_000_000_000_000 },
    good: {},
    reason: /Timestamp 8000000000000 .* is out of range/,
  },
  'a record from the past': {
    limit: limitedBy({ 'message.timestamp.before.max.ms': '3600000' }),
    bad: { timestamp: 1_000 },
    good: { timestamp: Date.now() },
    reason: /Timestamp 1000 .* is out of range/,
  },
  'a record without a key, for a compacted topic': {
    limit: limitedBy({ 'cleanup.policy': 'compact' }),
    bad: { key: null },
    good: { key: Buffer.from('k') },
    reason: /Compacted topic cannot accept message without key/,
  },
}

describeKafka('Kafka', () => {
  for (const client of clients) {
    for (const guarantee of guarantees) {
      refusalContract(
        `Kafka by ${client}, ${guarantee},`,
        () => openTestKafka(guarantee, { client }),
        kinds,
        guarantee === 'exactlyOnce',
      )
    }
  }
})
