import { Kafka, logLevel } from 'kafkajs'
import { areThere } from './admin.ts'
import { kafkaBrokers } from './open.ts'

// An independent client: what is counted with it does not depend on the code under test.
// Its producers are idempotent: a request that one partition refuses is sent again for all of them.
const kafka = new Kafka({ brokers: [...kafkaBrokers], clientId: 'independent', logLevel: logLevel.NOTHING })

const end = 'the end'
let names = 0

/** A name that nobody else uses. */
export const uniqueName = (what: string): string => `${what}-${process.pid}-${Date.now()}-${names++}`

export async function createTopics(partitions: number, ...topics: readonly string[]): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: topics.map((topic) => ({ topic, numPartitions: partitions, replicationFactor: 1 })),
    waitForLeaders: false,
  })
  await areThere(admin, topics)
  await admin.disconnect()
}

/** Appends values as JSON, each with a key, spread over the partitions in turn. */
export async function produce(
  topic: string,
  partitions: number,
  records: readonly { readonly key: string; readonly value: unknown; readonly timestamp?: string }[],
): Promise<void> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  const messages = records.map(({ key, value, timestamp }, at) => ({
    key,
    ...(timestamp && { timestamp }),
    value: JSON.stringify(value),
    partition: at % partitions,
  }))
  for (let from = 0; from < messages.length; from += 1_000) {
    await producer.send({ topic, messages: messages.slice(from, from + 1_000) })
  }
  await producer.disconnect()
}

/** The committed values of a topic, by partition in their order: all that are there now. */
export async function readCommitted(topic: string, partitions: number): Promise<unknown[]> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  const marks = Array.from({ length: partitions }, (_, partition) => ({ partition, value: end }))
  await producer.send({ topic, messages: marks })
  await producer.disconnect()

  const values = Array.from({ length: partitions }, (): unknown[] => [])
  const consumer = kafka.consumer({ groupId: uniqueName('independent') })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let open = partitions
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({
      partition,
      message: { value },
    }: {
      partition: number
      message: { value: Buffer | null }
    }) => {
      const text = String(value)
      if (text !== end) values[partition]!.push(JSON.parse(text))
      else if (--open === 0) resolve()
    }
    consumer.on('consumer.crash', ({ payload: { error } }) => reject(error))
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
  return values.flat()
}

/** Committed and end offsets of a group in a topic, by partition. */
export async function standing(group: string, topic: string): Promise<{ committed: string; end: string }[]> {
  const admin = kafka.admin()
  await admin.connect()
  const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return ends.map(({ partition, high }) => ({
    committed: offsets!.partitions.find((own) => own.partition === partition)?.offset ?? '-1',
    end: high,
  }))
}
