import { createHook } from 'node:async_hooks'
import { setTimeout } from 'node:timers/promises'
import { Kafka, logLevel, type Admin } from 'kafkajs'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Broker, GroupMember, Subscription, TopicPartition } from '../../../src/broker/broker.ts'
import { output, take, texts, unique, unit } from '../../contract/broker/setting.ts'
import { describeKafka, guarantees, kafkaBrokers, openTestKafka } from '../../support/kafka/open.ts'

const client = 'kafkajs'

/** Where kafkajs, left to itself, loses, doubles or damages records, or ends. */
describeKafka('kafkajs as a client', () => {
  const independent = new Kafka({ brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING })
  let broker: Broker
  let topic: string
  beforeAll(async () => {
    broker = await openTestKafka('exactlyOnce', { client })
  })
  afterAll(() => broker.close())
  beforeEach(async () => {
    topic = unique('topic')
    await broker.ensureTopics([{ name: topic, partitions: 2 }])
  })

  const write = (to: Broker, ...values: string[]): Promise<void> =>
    to.commit(
      unit(unique('writer'), {
        outputs: values.map((value) => output(topic, { value: Buffer.from(value), partition: 0 })),
      }),
    )
  const everything = async (): Promise<(string | undefined)[]> =>
    texts((await broker.read({ topic, partition: 0, offset: 0n }, 1_000)).records)

  async function administer<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = independent.admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }

  /** A member of a group, and what it was last given. */
  interface Joined {
    readonly subscription: Subscription
    member: GroupMember | undefined
    partitions: readonly TopicPartition[]
  }

  async function join(by: Broker, group: string): Promise<Joined> {
    const joined: Joined = { subscription: undefined!, member: undefined, partitions: [] }
    const listener = {
      assigned: async (partitions: readonly TopicPartition[], member?: GroupMember) => {
        Object.assign(joined, { partitions, member })
      },
      revoked: async () => {
        joined.partitions = []
      },
    }
    return Object.assign(joined, { subscription: await by.subscribe(group, [topic], listener) })
  }

  /** Polls members until something holds. */
  async function pollUntil(holds: () => boolean, ...members: readonly Joined[]): Promise<void> {
    const patience = AbortSignal.timeout(30_000)
    while (!holds()) {
      patience.throwIfAborted()
      const signal = AbortSignal.timeout(100)
      await Promise.all(members.map(({ subscription }) => subscription.poll({ maxRecords: 10, signal })))
    }
  }

  describe.each(guarantees)('%s', (guarantee) => {
    it('refuses what a member commits after its partitions went to another', async () => {
      const [mine, theirs] = await Promise.all([
        openTestKafka(guarantee, { client }),
        openTestKafka(guarantee, { client }),
      ])
      const group = unique('group')
      const zombie = await join(mine, group)
      const { member } = zombie
      const offsets = [{ topic, partition: 0, offset: 1n }]
      const next = await join(theirs, group)
      await pollUntil(() => zombie.partitions.length === 1 && next.partitions.length === 1, zombie, next)

      const late = mine.commit(unit(group, { member: member!, offsets, outputs: [output(topic, { partition: 0 })] }))
      await expect(late).rejects.toThrow(/another member has taken over/)
      expect(await broker.committed(group)).toEqual([])
      expect(await everything()).toEqual(guarantee === 'exactlyOnce' ? [] : ['value'])
      await Promise.all([mine.close(), theirs.close()])
    })

    it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
      'writes and reads batches compressed by %s',
      async (compression) => {
        const writer = await openTestKafka(guarantee, { client, compression })
        const values = Array.from({ length: 100 }, (_, n) => `value ${n}`)
        await write(writer, ...values)
        expect(await everything()).toEqual(values)
        await writer.close()
      },
    )
  })

  it('shares a group with members of the other client, and takes over from them', async () => {
    const other = await openTestKafka('exactlyOnce', { client: 'platformatic' })
    const group = unique('group')
    const first = await join(other, group)
    const second = await join(broker, group)
    await pollUntil(() => first.partitions.length === 1 && second.partitions.length === 1, first, second)
    expect(first.partitions[0]!.partition).not.toBe(second.partitions[0]!.partition)

    await first.subscription.close()
    await pollUntil(() => second.partitions.length === 2, second)
    await second.subscription.close()
    await other.close()
  })

  it('takes up partitions that a topic is given later', async () => {
    const quick = await openTestKafka('exactlyOnce', { client, timeouts: { session: 6_000, heartbeat: 50 } })
    const joined = await join(quick, unique('group'))
    await administer((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }))
    await pollUntil(() => joined.partitions.length === 3, joined)
    await quick.close()
  })

  it('survives that its topic is deleted, says so, and goes on when it is there again', async () => {
    const joined = await join(broker, unique('group'))
    const fill = (value: string): Promise<void> => {
      const outputs = [0, 1].map((partition) => output(topic, { partition, value: Buffer.from(value) }))
      return broker.commit(unit(unique('writer'), { outputs }))
    }
    await fill('before')
    expect(texts(await take(joined.subscription, 2))).toEqual(['before', 'before'])
    await administer((admin) => admin.deleteTopics({ topics: [topic] }))
    const polled = pollUntil(() => false, joined)
    await expect(polled).rejects.toThrow(/Create it again/)

    await broker.ensureTopics([{ name: topic, partitions: 2 }])
    await fill('after')
    const found: (string | undefined)[] = []
    const patience = AbortSignal.timeout(30_000)
    while (found.length < 2 && !patience.aborted) {
      const batches = await joined.subscription.poll({ maxRecords: 10, signal: patience }).catch(() => [])
      found.push(...texts(batches.flatMap(({ records }) => records)))
    }
    expect(found).toEqual(['after', 'after'])
    await joined.subscription.close()
  })

  it('leaves out what was aborted', async () => {
    const producer = independent.producer({ transactionalId: unique('id'), idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (const [value, end] of [
      ['a', 'commit'],
      ['b', 'abort'],
      ['c', 'commit'],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value, partition: 0 }] })
      await transaction[end]()
    }
    await producer.disconnect()
    expect(await everything()).toEqual(['a', 'c'])
    const { subscription } = await join(broker, unique('group'))
    expect(texts(await take(subscription, 2))).toEqual(['a', 'c'])
    await subscription.close()
  })

  it('changes one configuration of a topic and leaves the others', async () => {
    const configEntries = [{ name: 'segment.ms', value: '123456' }]
    await administer((admin) =>
      admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] }),
    )
    await broker.ensureTopics([{ name: topic, partitions: 2, retention: 86_400_000 }])
    const asked = [{ type: 2, name: topic, configNames: ['segment.ms', 'retention.ms'] }]
    // A busy node may know it some moments later.
    await vi.waitFor(async () => {
      const { resources } = await administer((admin) =>
        admin.describeConfigs({ includeSynonyms: false, resources: asked }),
      )
      const live = Object.fromEntries(
        resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]),
      )
      expect(live).toEqual({ 'segment.ms': '123456', 'retention.ms': '86400000' })
    })
  })

  it('has nothing to do while nothing happens', async () => {
    let timers = 0
    const hook = createHook({ init: (_id, type) => void (type === 'Timeout' && timers++) }).enable()
    await setTimeout(1_000)
    hook.disable()
    expect(timers).toBeLessThan(50)
  })

  it('opens one connection to a node, however many requests come at first', async () => {
    const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const wide = unique('wide')
    const partitions = Array.from({ length: 20 }, (_, partition) => partition)
    await broker.ensureTopics([{ name: wide, partitions: partitions.length }])
    await broker.commit(unit(unique('writer'), { outputs: partitions.map((partition) => output(wide, { partition })) }))
    const before = sockets()
    const fresh = await openTestKafka('atLeastOnce', { client })
    await fresh.topics([wide])
    // The address that it was given, and the one that the node tells, which may be the same.
    expect(sockets() - before).toBeLessThanOrEqual(2)
    await fresh.close()
    await expect.poll(sockets).toBe(before)
  })
})
