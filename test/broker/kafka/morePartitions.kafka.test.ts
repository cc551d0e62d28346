import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import type { TopicPartition } from '../../../src/broker/broker.ts'
import { Network } from '../../../src/broker/kafka/network.ts'
import { unique } from '../../contract/broker/setting.ts'
import { clients, describeKafka, openTestKafka, testConnections, testSettings } from '../../support/kafka/open.ts'

const timeouts = { session: 6_000, heartbeat: 50 }

describeKafka('partitions that a topic is given later', () => {
  afterEach(() => vi.useRealTimers())

  it.each(clients)('are taken up by the members that are there, by %s', async (client) => {
    const brokers = await Promise.all([0, 1].map(() => openTestKafka('exactlyOnce', { client, timeouts })))
    onTestFinished(async () => void (await Promise.all(brokers.map((broker) => broker.close()))))
    const [topic, group] = [unique('topic'), unique('group')]
    await brokers[0]!.ensureTopics([{ name: topic, partitions: 2 }])
    const owned: (readonly TopicPartition[])[] = [[], []]
    const subscriptions = await Promise.all(
      brokers.map((broker, at) => {
        const assigned = async (partitions: readonly TopicPartition[]) => void (owned[at] = partitions)
        return broker.subscribe(group, [topic], { assigned, revoked: async () => {} })
      }),
    )
    const patience = AbortSignal.timeout(20_000)
    const pollUntil = async (counts: readonly number[]): Promise<void> => {
      while (owned.some(({ length }, at) => length !== counts[at])) {
        patience.throwIfAborted()
        const signal = AbortSignal.timeout(100)
        await Promise.all(subscriptions.map((subscription) => subscription.poll({ maxRecords: 10, signal })))
      }
    }
    await pollUntil([1, 1])
    await brokers[0]!.ensureTopics([{ name: topic, partitions: 4 }])
    await pollUntil([2, 2])
  })

  it('are known to whoever writes to it after about a minute', async () => {
    const network = new Network(testSettings(), testConnections())
    onTestFinished(() => network.close())
    const broker = await openTestKafka('exactlyOnce')
    onTestFinished(() => broker.close())
    const topic = unique('topic')
    await broker.ensureTopics([{ name: topic, partitions: 1 }])
    const count = async () => (await network.leaders(topic))?.length
    expect(await count()).toBe(1)
    await broker.ensureTopics([{ name: topic, partitions: 3 }])
    expect(await count()).toBe(1)
    const now = Date.now()
    vi.useFakeTimers({ toFake: ['Date'], now: now + 61_000 })
    await expect.poll(count).toBe(3)
  })
})
