import { expiryContract } from '../../contract/broker/expiry.ts'
import { openAdmin } from '../../support/kafka/admin.ts'
import { clients, describeKafka, openTestKafka } from '../../support/kafka/open.ts'

describeKafka('Kafka', () => {
  for (const client of clients) {
    expiryContract(`Kafka by ${client}`, async () => ({
      // At least once, so that no markers of transactions take offsets.
      broker: await openTestKafka('atLeastOnce', { client }),
      timestampOf: () => Date.now(),
      delete: async (topic, before) => {
        const admin = await openAdmin()
        await admin.fetchTopicOffsets(topic) // Without this it does not know the topic.
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before) }] })
      },
    }))
  }
})
