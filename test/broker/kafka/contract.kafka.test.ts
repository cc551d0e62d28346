import type { Broker } from '../../../src/broker/broker.ts'
import { brokerContract, durableBrokerContract } from '../../contract/broker.ts'
import { describeKafka, guarantees, openTestKafka } from '../../support/kafka/open.ts'

describeKafka('Kafka', () => {
  for (const guarantee of guarantees) {
    brokerContract(`Kafka, ${guarantee},`, async () => {
      const broker = await openTestKafka(guarantee)
      return { broker, close: () => broker.close() }
    })

    durableBrokerContract(`Kafka, ${guarantee},`, async () => {
      let broker: Broker = await openTestKafka(guarantee)
      return {
        broker,
        close: () => broker.close(),
        reopen: async () => {
          await broker.close()
          return (broker = await openTestKafka(guarantee))
        },
      }
    })
  }
})
