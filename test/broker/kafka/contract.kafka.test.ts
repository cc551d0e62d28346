import type { Broker } from '../../../src/broker/broker.ts'
import { brokerContract, durableBrokerContract } from '../../contract/broker.ts'
import { clients, describeKafka, guarantees, openTestKafka } from '../../support/kafka/open.ts'

describeKafka('Kafka', () => {
  for (const client of clients) {
    for (const guarantee of guarantees) {
      const open = (): Promise<Broker> => openTestKafka(guarantee, { client })

      brokerContract(`Kafka by ${client}, ${guarantee},`, async () => {
        const broker = await open()
        return { broker, close: () => broker.close() }
      })

      durableBrokerContract(`Kafka by ${client}, ${guarantee},`, async () => {
        let broker = await open()
        return {
          broker,
          close: () => broker.close(),
          reopen: async () => {
            await broker.close()
            return (broker = await open())
          },
        }
      })
    }
  }
})
