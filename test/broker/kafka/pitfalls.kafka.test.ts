import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker, GroupMember, Lag, TopicPartition } from '../../../src/broker/broker.ts'
import { partitionOf } from '../../../src/broker/partition.ts'
import { output, take, texts, unique, unit } from '../../contract/broker/setting.ts'
import { configsOf, createTopic, openAdmin } from '../../support/kafka/admin.ts'
import { clients, describeKafka, guarantees, kafkaBrokers, openTestKafka } from '../../support/kafka/open.ts'

/** What a client of Kafka can get wrong (measured before this adapter was written), a test for each. */
describeKafka.each(clients)('the Kafka adapter by %s', (client) => {
  const kafka = new Kafka({ brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING })

  async function open(guarantee: (typeof guarantees)[number], delivery?: number): Promise<Broker> {
    const timeouts = { session: 6_000, heartbeat: 500, transaction: 10_000, delivery: delivery ?? 10_000 }
    const broker = await openTestKafka(guarantee, { client, timeouts })
    onTestFinished(() => broker.close())
    return broker
  }

  async function producer(): Promise<Producer> {
    const transactional = kafka.producer({ transactionalId: unique('other'), maxInFlightRequests: 1, idempotent: true })
    await transactional.connect()
    onTestFinished(() => transactional.disconnect())
    return transactional
  }

  it('never gives aborted records, not even between those of other transactions', async () => {
    const broker = await open('exactlyOnce')
    const [topic, group] = [unique('topic'), unique('group')]
    await broker.ensureTopics([{ name: topic, partitions: 1 }])
    const [one, other] = [await producer(), await producer()]
    const kept: string[] = []
    for (let n = 0; n < 5; n++) {
      const [aborted, committed] = [await one.transaction(), await other.transaction()]
      await aborted.send({ topic, messages: [{ value: `aborted ${n}` }] })
      await committed.send({ topic, messages: [{ value: `kept ${n}` }] })
      await aborted.send({ topic, messages: [{ value: `aborted ${n} too` }] })
      await aborted.abort()
      await committed.commit()
      kept.push(`kept ${n}`)
    }
    const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 1_000)
    expect(texts(records)).toEqual(kept)
    const subscription = await broker.subscribe(group, [topic])
    expect(texts(await take(subscription, kept.length))).toEqual(kept)
    const [{ position, end }] = (await subscription.lag()) as [Lag]
    expect(position).toBe(end)
  })

  it('waits for offsets that a transaction is about to commit', async () => {
    const broker = await open('exactlyOnce')
    const [topic, group] = [unique('topic'), unique('group')]
    await broker.ensureTopics([{ name: topic, partitions: 1 }])
    await broker.commit(unit(group, { outputs: Array(9).fill(output(topic)) }))
    await broker.commit(unit(group, { offsets: [{ topic, partition: 0, offset: 1n }] }))
    const transaction = await (await producer()).transaction()
    await transaction.sendOffsets({
      consumerGroupId: group,
      topics: [{ topic, partitions: [{ partition: 0, offset: '5' }] }],
    })
    const subscribed = broker.subscribe(group, [topic])
    const joined = await Promise.race([subscribed, transaction.commit()])
    expect(joined, 'it joined before the transaction ended').toBeUndefined()
    const [first] = await take(await subscribed, 1, 1)
    expect(first!.offset).toBeGreaterThanOrEqual(5n)
    expect(await broker.committed(group)).toEqual([{ topic, partition: 0, offset: 5n }])
  })

  describe.each(guarantees)('with %s', (guarantee) => {
    it('refuses what a member commits that the group has gone on without', async () => {
      const [stale, fresh] = [await open(guarantee), await open(guarantee)]
      const [topic, group] = [unique('topic'), unique('group')]
      await stale.ensureTopics([{ name: topic, partitions: 1 }, { name: `${topic}.out`, partitions: 1 }]) // prettier-ignore
      await stale.commit(unit(group, { outputs: [output(topic), output(topic)] }))
      const terms: (GroupMember | undefined)[] = []
      const listen = { assigned: async (_: readonly TopicPartition[], member?: GroupMember) => void terms.push(member), revoked: async () => {} } // prettier-ignore
      const before = await stale.subscribe(group, [topic], listen)
      await take(before, 2)
      const [member] = terms
      await before.close()
      const after = await fresh.subscribe(group, [topic], listen)
      await take(after, 2)

      const offsets = [{ topic, partition: 0, offset: 2n }]
      const late = stale.commit(unit(group, { member: member!, offsets, outputs: [output(`${topic}.out`)] }))
      await expect(late).rejects.toThrow('another member has taken over the partitions')
      expect(await fresh.committed(group)).toEqual([])
      await fresh.commit(unit(group, { member: terms.at(-1)!, offsets: [{ ...offsets[0]!, offset: 1n }] }))
      expect(await fresh.committed(group)).toEqual([{ ...offsets[0]!, offset: 1n }])
      // What was written before offsets were refused is a repetition, which at least once allows.
      const { records } = await fresh.read({ topic: `${topic}.out`, partition: 0, offset: 0n }, 10)
      expect(records.length).toBeLessThanOrEqual(guarantee === 'exactlyOnce' ? 0 : 1)
    })

    it('commits fifty small units one after another', async () => {
      const broker = await open(guarantee)
      const [topic, group] = [unique('topic'), unique('group')]
      await broker.ensureTopics([{ name: topic, partitions: 1 }])
      const own: string[] = []
      for (let n = 0; n < 50; n++) {
        const state = [{ store: 's', key: 'n', value: Buffer.from(String(n)) }]
        await broker.commit(unit(group, { outputs: [output(topic, { value: Buffer.from(`${n}`) })], state }))
        own.push(`${n}`)
      }
      expect(texts((await broker.read({ topic, partition: 0, offset: 0n }, 1_000)).records)).toEqual(own)
      expect((await broker.state(group, '0')).get('s', 'n')).toEqual(Buffer.from('49'))
    })

    it('fails a unit that is too large, says what to raise, and writes the next one', async () => {
      const broker = await open(guarantee)
      const admin = await openAdmin()
      const [topic, group] = [unique('topic'), unique('group')]
      await createTopic(admin, topic, { 'max.message.bytes': '10000' })
      expect(await configsOf(admin, topic, ['max.message.bytes'])).toEqual({ 'max.message.bytes': '10000' })
      const offsets = [{ topic, partition: 0, offset: 7n }]
      const large = unit(group, { outputs: [output(topic, { value: Buffer.alloc(20_000) })], offsets })
      await expect(broker.commit(large)).rejects.toThrow(/MESSAGE_TOO_LARGE.*Raise max.message.bytes/)
      expect(await broker.committed(group)).toEqual([])
      await broker.commit(unit(group, { outputs: [output(topic)] }))
      expect(texts((await broker.read({ topic, partition: 0, offset: 0n }, 10)).records)).toEqual(['value'])
    })

    it('says what to change at a topic that refuses a record for its time, or for having no key', async () => {
      const broker = await open(guarantee)
      const admin = await openAdmin()
      const [early, compacted] = [unique('topic'), unique('topic')]
      await createTopic(admin, early, { 'message.timestamp.before.max.ms': '1000' })
      await createTopic(admin, compacted, { 'cleanup.policy': 'compact' })
      const write = (topic: string) => broker.commit(unit(unique('group'), { outputs: [output(topic)] }))
      await expect(write(early)).rejects.toThrow(/INVALID_TIMESTAMP.*Set message.timestamp.after.max.ms/)
      await expect(write(compacted)).rejects.toThrow(/INVALID_RECORD.*set its cleanup.policy to delete/)
    })

    it('has room in the state for the largest record of what the group reads', async () => {
      const broker = await open(guarantee)
      const [topic, group] = [unique('topic'), unique('group')]
      await createTopic(await openAdmin(), topic, { 'max.message.bytes': '3000000' })
      const terms: (GroupMember | undefined)[] = []
      const listen = { assigned: async (_: readonly TopicPartition[], member?: GroupMember) => void terms.push(member), revoked: async () => {} } // prettier-ignore
      const subscription = await broker.subscribe(group, [topic], listen)
      await broker.commit(unit(unique('other'), { outputs: [output(topic, { value: Buffer.alloc(2_900_000, 'x') })] }))
      const [record] = await take(subscription, 1)
      const waiting = Buffer.from(record!.value!.toString('base64'))
      const state = [{ store: 's', key: 'waiting', value: waiting }]
      await broker.commit(unit(group, { member: terms.at(-1)!, state }))
      expect((await broker.state(group, '0')).get('s', 'waiting')).toEqual(waiting)
    })

    it('writes many records that fit one by one, but not in one batch', async () => {
      const broker = await open(guarantee)
      const topic = unique('topic')
      await createTopic(await openAdmin(), topic, { 'max.message.bytes': '10000' })
      const outputs = Array.from({ length: 40 }, (_, n) => output(topic, { value: Buffer.from(`${n} `.repeat(300)) }))
      await broker.commit(unit(unique('group'), { outputs }))
      const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 100)
      expect(records.map(({ value }) => parseInt(value!.toString()))).toEqual(outputs.map((_, n) => n))
    })

    it('fails a unit for a topic that is not there, and writes it once somebody has made it', async () => {
      const broker = await open(guarantee, 1_000)
      const topic = unique('topic')
      const commit = () => broker.commit(unit(unique('group'), { outputs: [output(topic)] }))
      await expect(commit()).rejects.toThrow(`There is no topic ${topic} to write to. Create it`)
      await createTopic(await openAdmin(), topic)
      await commit()
      expect((await broker.read({ topic, partition: 0, offset: 0n }, 10)).records).toHaveLength(1)
    })
  })

  it.each([1, 2, 3, 5, 6, 7, 12, 97])('puts keys where the Java client would, of %i partitions', (count) => {
    const java = Partitioners.JavaCompatiblePartitioner()
    const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({ partitionId, leader: 0, partitionErrorCode: 0, replicas: [], isr: [] })) // prettier-ignore
    for (let n = 0; n < 500; n++) {
      const key = Buffer.from(`key ${n * n} ${'ä'.repeat(n % 7)}`)
      expect(partitionOf(key, count)).toBe(java({ topic: 't', partitionMetadata, message: { key, value: null } }))
    }
  })
})
