import { Kafka, logLevel, type KafkaMessage } from 'kafkajs'

const end = 'the end'

/**
 * The committed records of topics, all that are there now, by a client that is not Oxbow's. A mark behind the last record
 * of each partition says when all are read; it stays.
 */
export async function readTopics(
  brokers: readonly string[],
  topics: readonly string[],
): Promise<ReadonlyMap<string, readonly KafkaMessage[]>> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'independent', logLevel: logLevel.NOTHING })
  const [admin, producer] = [kafka.admin(), kafka.producer({ idempotent: true })]
  await Promise.all([admin.connect(), producer.connect()])
  const described = await admin.fetchTopicMetadata({ topics: [...topics] })
  const places = described.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionId }) => ({ topic: name, partition: partitionId })),
  )
  for (const { topic, partition } of places) await producer.send({ topic, messages: [{ partition, value: end }] })
  await Promise.all([admin.disconnect(), producer.disconnect()])

  const found = new Map(topics.map((topic): [string, KafkaMessage[]] => [topic, []]))
  const consumer = kafka.consumer({ groupId: `independent-${process.pid}-${Date.now()}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    let open = places.length
    consumer.on('consumer.crash', ({ payload: { error } }) => reject(error))
    consumer
      .run({
        eachMessage: async ({ topic, message }) => {
          if (String(message.value) !== end) found.get(topic)!.push(message)
          else if (--open === 0) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return found
}
