/**
 * The workload as a loop over @platformatic/kafka: what its users would write by hand, without state, retries, letters
 * that say why, or a word about faults. JOB says what to do.
 */
import { Consumer, FetchIsolationLevels, Producer, type Message as ConsumedMessage } from '@platformatic/kafka'
import { partitionOf } from '../../src/broker/partition.ts'
import type { Job } from './job.ts'

interface Message {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer
  readonly headers?: Map<Buffer, Buffer>
}

interface Event {
  readonly id: number
  readonly market_slug: string
  readonly outcome: string
  readonly price: number
  readonly event_time: string
}

const { kafka, group, guarantee, input, output, dead } = JSON.parse(process.env['JOB']!) as Job
const partitions = 4
const connection = { clientId: 'raw', bootstrapBrokers: [kafka], retries: 1_000 }
const consumer = new Consumer({ ...connection, groupId: group, autocommit: false })
const transactional = guarantee === 'exactlyOnce' && { transactionalId: group, producerId: -1n, producerEpoch: -1 }
/** The default pause of 250 ms after each transaction would be all that is measured. */
const retryDelay = 5
const producer = new Producer({ ...connection, retryDelay, idempotent: true, ...transactional })

consumer.topics.track(input)
await consumer.joinGroup({})
const cluster = await consumer.metadata({ topics: [input] })
const topic = cluster.topics.get(input)!
const positions = topic.partitions.map(() => 0n)

for (let ahead = fetchNext(); ;) {
  const read = await ahead
  read.next.forEach((next, partition) => (positions[partition] = next))
  ahead = fetchNext()
  if (read.messages.length > 0) await write(read.messages, read.next)
}

async function fetchNext() {
  const wanted = positions.map((fetchOffset, partition) => ({
    partition,
    fetchOffset,
    partitionMaxBytes: 1_048_576,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
  }))
  const { responses } = await consumer.fetch({
    node: topic.partitions[0]!.leader,
    topics: [{ topicId: topic.id, partitions: wanted }],
    maxWaitTime: 100,
    minBytes: 1,
    maxBytes: 4_194_304,
    isolationLevel: FetchIsolationLevels.READ_COMMITTED,
  })
  const next = new Map<number, bigint>()
  const messages: Message[] = []
  for (const { partitionIndex, records } of responses.flatMap((response) => response.partitions)) {
    const from = positions[partitionIndex]!
    for (const batch of records ?? []) {
      for (const record of batch.records) {
        if (batch.firstOffset + BigInt(record.offsetDelta) >= from) messages.push(outcomeOf(record))
      }
      next.set(partitionIndex, batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n)
    }
  }
  return { messages, next }
}

function outcomeOf(record: { readonly key: Buffer | null; readonly value: Buffer | null }): Message {
  const key = record.key!
  const value = record.value!
  const partition = partitionOf(key, partitions)
  try {
    const { id, market_slug: market, outcome, price, event_time: at } = JSON.parse(value.toString()) as Event
    if (!(price >= 0 && price <= 1)) throw new Error(`the price ${price} is not between 0 and 1`)
    const clean = Buffer.from(JSON.stringify({ id, market, outcome, price, at }))
    return { topic: output, partition, key, value: clean }
  } catch (thrown) {
    const headers = new Map([[Buffer.from('error'), Buffer.from((thrown as Error).message)]])
    return { topic: dead, partition, key, value, headers }
  }
}

async function write(messages: readonly Message[], next: ReadonlyMap<number, bigint>): Promise<void> {
  const parts = [...Map.groupBy(messages, ({ topic, partition }) => `${topic}/${partition}`).values()]
  const offsets = [...next].map(([partition, offset]) => ({ topic: input, partition, offset }))
  if (!transactional) {
    await Promise.all(parts.map((part) => producer.send({ messages: part, acks: -1 })))
    await consumer.commit({ offsets: offsets.map((each) => ({ ...each, leaderEpoch: -1 })) })
    return
  }
  const transaction = await producer.beginTransaction()
  await transaction.addConsumer(consumer)
  await transaction.addPartitions(await producer.metadata({ topics: [output, dead] }), [...messages])
  await Promise.all(parts.map((part) => transaction.send({ messages: part })))
  for (const { topic, partition, offset } of offsets) {
    const metadata = {
      consumer: {
        groupId: group,
        generationId: consumer.generationId,
        memberId: consumer.memberId!,
        coordinatorId: consumer.coordinatorId!,
      },
    }
    await transaction.addOffset({ topic, partition, offset: offset - 1n, metadata } as unknown as ConsumedMessage)
  }
  await transaction.commit()
}
