import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BrokerError, type Broker } from '../../src/broker/broker.ts'
import { commitContract } from './broker/commit.ts'
import { globalContract } from './broker/global.ts'
import { letterContract } from './broker/letters.ts'
import { memberContract } from './broker/members.ts'
import { partitionContract } from './broker/partitions.ts'
import { readContract } from './broker/read.ts'
import { recordContract } from './broker/records.ts'
import { resetContract } from './broker/reset.ts'
import { count, createSetting, output, take, unique, unit, type Setting } from './broker/setting.ts'
import { stateContract } from './broker/state.ts'
import { subscriptionContract } from './broker/subscription.ts'
import { topicContract } from './broker/topics.ts'
import { trimContract } from './broker/trim.ts'

/** A broker to be tested, alone or shared with earlier tests: every test uses topics and groups of its own. */
export interface BrokerUnderTest {
  readonly broker: Broker
  close(): Promise<void>
}

export interface DurableBrokerUnderTest extends BrokerUnderTest {
  /** Closes the broker and opens another one on the same data. */
  reopen(): Promise<Broker>
}

/** What every broker must do; `name` stands in the test's title. */
export function brokerContract(name: string, open: () => Promise<BrokerUnderTest>): void {
  describe(`${name} keeps the broker contract`, () => {
    let underTest: BrokerUnderTest
    let setting: Setting
    beforeEach(async () => {
      underTest = await open()
      setting = createSetting(underTest.broker)
    })
    afterEach(() => underTest.close())
    const current = (): Setting => setting

    recordContract(current)
    partitionContract(current)
    commitContract(current)
    stateContract(current)
    globalContract(current)
    subscriptionContract(current)
    memberContract(current)
    topicContract(current)
    readContract(current)
    resetContract(current)
    trimContract(current)
    letterContract(current)

    it('answers nothing once it is closed', async () => {
      const closed = await open()
      await closed.close()
      await expect(closed.broker.commit(unit('group'))).rejects.toThrow(BrokerError)
      await expect(closed.broker.topics()).rejects.toThrow(BrokerError)
    })
  })
}

/** What every broker must do that outlives its process. */
export function durableBrokerContract(name: string, open: () => Promise<DurableBrokerUnderTest>): void {
  describe(`${name} keeps what was committed`, () => {
    it('records, topics, offsets, state and counts, when it is opened again', async () => {
      const underTest = await open()
      const [topic, group] = [unique('topic'), unique('group')]
      const record = output(topic, { key: Buffer.from('k'), headers: [['h', null]] })
      const state = [{ store: 'seen', key: 'k', value: Buffer.from('v') }]
      await underTest.broker.ensureTopics([{ name: topic, partitions: 1, retention: 86_400_000_000_000 }])
      await underTest.broker.commit(unit(group, { outputs: [record, record] }))
      const offsets = [{ topic, partition: 0, offset: 1n }]
      await underTest.broker.commit(unit(group, { offsets, state, counts: [count] }))

      const broker = await underTest.reopen()
      const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 10)
      expect(records).toHaveLength(2)
      expect(records[0]).toMatchObject(record)
      expect((await broker.topics()).find((info) => info.name === topic)!.retention).toBe(86_400_000_000_000)
      expect(await broker.committed(group)).toEqual(offsets)
      expect((await broker.state(group, '0')).get('seen', 'k')).toEqual(Buffer.from('v'))
      expect(await broker.counts(group)).toEqual([count])
      const subscription = await broker.subscribe(group, [topic])
      expect((await take(subscription, 1)).map(({ offset }) => offset)).toEqual([records[1]!.offset])
      await subscription.close()
      await underTest.close()
    })
  })
}
