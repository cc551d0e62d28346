import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import { Network } from '../../../src/broker/kafka/network.ts'
import { RecordReader } from '../../../src/broker/kafka/recordReader.ts'
import { readMerged } from '../../../src/cli/merge.ts'
import { output } from '../../support/pipeline.ts'
import { describeKafka, kafkaBrokers, openTestKafka, testConnections, testSettings } from '../../support/kafka/open.ts'

/** Counts what comes from brokers, and what they are asked to wait, in milliseconds. */
class Counted extends Network {
  bytes = 0
  maxWait = 0

  override async call<A extends unknown[], R>(...all: Parameters<typeof Network.prototype.call<A, R>>): Promise<R> {
    const answer = await super.call(...all)
    const [, , , limits] = all
    this.maxWait += (limits as { maxWait?: number } | undefined)?.maxWait ?? 0
    if (Array.isArray(answer))
      this.bytes += answer.reduce((sum: number, { bytes }: { bytes: Buffer }) => sum + bytes.length, 0)
    return answer
  }
}

async function started(partitions: number) {
  const topic = `reader-${randomUUID()}`
  const broker = await openTestKafka('exactlyOnce')
  const network = new Counted(testSettings(), testConnections())
  onTestFinished(async () => {
    await network.close()
    await broker.close()
  })
  await broker.ensureTopics([{ name: topic, partitions }])
  const append = (count: number) =>
    broker.commit({
      group: topic,
      task: '',
      outputs: Array.from({ length: count }, (_, n) => output(topic, { n }, { partition: n % partitions })),
      offsets: [],
      state: [],
      counts: [],
    })
  return { topic, broker, network, append, reader: new RecordReader(network) }
}

describeKafka('records of a partition', () => {
  it('are each fetched about once, also where several partitions are read in turn', async () => {
    const { topic, broker, network, append, reader } = await started(6)
    const count = 60_000
    await append(count)
    const [info] = await broker.topics([topic])
    let records = 0
    for await (const chunk of readMerged(reader, topic, info!.partitions, 0n)) records += chunk.length
    expect(records).toBe(count)
    const read = network.bytes
    for (const { partition } of info!.partitions) await reader.read({ topic, partition, offset: 0n }, count)
    const once = network.bytes - read
    expect(read / once).toBeLessThan(1.5)
  })

  it('are given at once up to a transaction that is open, to who does not wait for it', async () => {
    const { topic, network, append, reader } = await started(1)
    await append(3)
    const from = { topic, partition: 0, offset: 0n }
    while ((await reader.read(from, 3)).next < 3n);
    const kafka = new Kafka({ brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'open' }] })

    network.maxWait = 0
    const given = await reader.read(from, 100, { waits: false })
    expect([given.records.length, given.next]).toEqual([3, 4n])
    const none = await reader.read({ ...from, offset: given.next }, 100, { waits: false })
    expect([none.records.length, none.next]).toEqual([0, 4n])
    expect(network.maxWait).toBe(0)
    // Who waits is given what is committed meanwhile.
    const waiting = reader.read({ ...from, offset: given.next }, 1)
    await transaction.commit()
    expect((await waiting).records.map(({ value }) => value!.toString())).toEqual(['open'])
  })
})
