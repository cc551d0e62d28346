import { randomUUID } from 'node:crypto'
import { endTxnV3, ProtocolError, type Connection } from '@platformatic/kafka'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Changelog, changelogOf } from '../../../src/broker/kafka/changelog.ts'
import { Committer } from '../../../src/broker/kafka/committer.ts'
import { Uncertain } from '../../../src/broker/kafka/failure.ts'
import { decodeCounts, Ledger } from '../../../src/broker/kafka/ledger.ts'
import { Network, type CoordinatorKind } from '../../../src/broker/kafka/network.ts'
import { committedOffsets } from '../../../src/broker/kafka/offsets.ts'
import { Producer } from '../../../src/broker/kafka/producer.ts'
import { fetchFrom } from '../../../src/broker/kafka/reader.ts'
import { ensureTopics } from '../../../src/broker/kafka/topics.ts'
import type { Unit } from '../../../src/broker/broker.ts'
import { describeKafka, testSettings } from '../../support/kafka/open.ts'

/** Answers to EndTxn get lost, after the coordinator has done it. */
class Lossy extends Network {
  losing = false

  override async callCoordinator<A extends unknown[], R>(
    kind: CoordinatorKind,
    key: string,
    api: { async(connection: Connection, ...args: A): Promise<R> },
    ...args: A
  ): Promise<R> {
    const answer = await super.callCoordinator(kind, key, api, ...args)
    if (this.losing && (api as unknown) === endTxnV3.api) throw new ProtocolError('REQUEST_TIMED_OUT')
    return answer
  }
}

describeKafka('a transaction of which nobody knows whether it was committed', () => {
  const settings = testSettings({ timeouts: { delivery: 500, transaction: 10_000 } })
  const group = `committer-${randomUUID()}`
  const topic = `${group}-out`
  let network: Lossy
  let committer: Committer

  beforeEach(async () => {
    network = new Lossy(settings, 'test')
    const producer = new Producer(network, settings, true)
    const changelog = new Changelog(network, () => false)
    const ledger = new Ledger()
    const open = async (): Promise<void> => {
      if (ledger.has(group, 0)) return
      await producer.settle()
      ledger.load(group, 0, await metadata())
    }
    committer = new Committer({ network, producer, changelog, ledger, guarantee: 'exactlyOnce', open })
    await ensureTopics(network, settings, [
      { name: topic, partitions: 1 },
      { name: changelogOf(group), partitions: 1, compacted: true },
    ])
  })

  afterEach(async () => {
    network.losing = false
    await committer.idle()
    await network.close()
  })

  const metadata = async (): Promise<string> => {
    const [own] = await committedOffsets(network, group, [{ topic: changelogOf(group), partition: 0 }], 5_000)
    return own?.metadata ?? ''
  }

  const unit = (value: string): Unit => ({
    group,
    task: '0',
    outputs: [{ topic, key: null, value: Buffer.from(value), headers: [], timestamp: 1 }],
    offsets: [],
    state: [],
    counts: [{ source: 's', stream: 't', read: 1, emitted: 1, dropped: 0, dead: 0 }],
  })

  it('is not tried again unit by unit, and the ledger goes on from what is committed', async () => {
    network.losing = true
    const outcomes = await Promise.allSettled([committer.commit(unit('a')), committer.commit(unit('b'))])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    for (const outcome of outcomes) expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(Uncertain)

    network.losing = false
    await committer.commit(unit('c'))
    await committer.idle()

    const [leader] = (await network.leaders(topic))!
    const limits = { maxWait: 1_000, maxBytes: 100_000, partitionBytes: 100_000 }
    const values: string[] = []
    for (let offset = 0; !values.includes('c');) {
      const [fetched] = await fetchFrom(network, leader!, [{ topic, partition: 0, offset }], limits)
      values.push(...fetched!.records.map(({ value }) => value!.toString()))
      offset = fetched!.next
    }
    expect(values).toEqual(['a', 'b', 'c'])
    expect(decodeCounts(await metadata())).toMatchObject([{ read: 3, emitted: 3 }])
  })
})
