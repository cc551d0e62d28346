import { AssignerProtocol, Kafka, logLevel } from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import type { TopicPartition } from '../../../src/broker/broker.ts'
import { changelogOf } from '../../../src/broker/kafka/changelog.ts'
import { unique } from '../../contract/broker/setting.ts'
import { clients, describeKafka, kafkaBrokers, openTestKafka } from '../../support/kafka/open.ts'

/** Kafka lets the offsets of topics expire to which no member of a group is subscribed. */
describeKafka.each(clients)('the changelog, whose offsets carry the ledger, by %s', (client) => {
  it('is subscribed to, and assigned to nobody', async () => {
    const broker = await openTestKafka('exactlyOnce', { client })
    const admin = new Kafka({ brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    onTestFinished(async () => void (await Promise.all([broker.close(), admin.disconnect()])))
    const [topic, group] = [unique('topic'), unique('group')]
    await broker.ensureTopics([{ name: topic, partitions: 2 }])
    const given: (readonly TopicPartition[])[] = []
    const assigned = async (partitions: readonly TopicPartition[]) => void given.push(partitions)
    await broker.subscribe(group, [topic], { assigned, revoked: async () => {} })

    const { groups } = await admin.describeGroups([group])
    const [member] = groups[0]!.members
    const { topics } = AssignerProtocol.MemberMetadata.decode(member!.memberMetadata)!
    expect(topics.toSorted()).toEqual([topic, changelogOf(group)].toSorted())
    const places = [0, 1].map((partition) => ({ topic, partition }))
    expect(given).toEqual([places])
    expect((await broker.members(group)).map(({ partitions }) => partitions)).toEqual([places])
  })
})
