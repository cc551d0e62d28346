import { randomUUID } from 'node:crypto'
import { addPartitionsToTxnV3, endTxnV3, ProtocolError } from '@platformatic/kafka'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Changelog, changelogOf } from '../../../src/broker/kafka/changelog.ts'
import { Committer } from '../../../src/broker/kafka/committer.ts'
import { Copies } from '../../../src/broker/kafka/copies.ts'
import { Fenced, Uncertain } from '../../../src/broker/kafka/failure.ts'
import { decodeCounts, Ledger } from '../../../src/broker/kafka/ledger.ts'
import { Network, type Api, type CoordinatorKind } from '../../../src/broker/kafka/network.ts'
import { committedOffsets } from '../../../src/broker/kafka/offsets.ts'
import { Producer } from '../../../src/broker/kafka/producer.ts'
import { produce } from '../../../src/broker/kafka/protocol.ts'
import { fetchFrom, recordsOf } from '../../../src/broker/kafka/reader.ts'
import { ensureTopics } from '../../../src/broker/kafka/topics.ts'
import { BrokerError, type GroupMember, type Unit } from '../../../src/broker/broker.ts'
import { describeKafka, testSettings, testConnections } from '../../support/kafka/open.ts'

/** The copy of partition 0 cannot be written. */
class Broken extends Copies {
  override async open(...args: Parameters<Copies['open']>) {
    const opened = await super.open(...args)
    const change = () => {
      throw new BrokerError('The disk is full.')
    }
    return args[1] === 0 ? { ...opened, state: { ...opened.state, change } } : opened
  }
}

/** Answers to EndTxn get lost, after the coordinator has done it; partitions are refused, and what is produced is counted. */
class Lossy extends Network {
  losing = false
  refusing = false
  ended = 0
  produced = 0

  override async call<A extends unknown[], R>(id: number, api: Api<A, R>, ...args: A): Promise<R> {
    if ((api as unknown) === produce) this.produced++
    return super.call(id, api, ...args)
  }

  override async callCoordinator<A extends unknown[], R>(
    kind: CoordinatorKind,
    key: string,
    api: Api<A, R>,
    ...args: A
  ): Promise<R> {
    if (this.refusing && (api as unknown) === addPartitionsToTxnV3.api) throw new ProtocolError('INVALID_TXN_STATE')
    const answer = await super.callCoordinator(kind, key, api, ...args)
    if ((api as unknown) === endTxnV3.api) this.ended++
    if (this.losing && (api as unknown) === endTxnV3.api) throw new ProtocolError('REQUEST_TIMED_OUT')
    return answer
  }
}

describeKafka('units that go together', () => {
  const settings = testSettings({ timeouts: { delivery: 500, transaction: 10_000 } })
  let group: string
  let topic: string
  let network: Lossy
  let changelog: Changelog
  let committer: Committer

  const open = async (
    guarantee: 'exactlyOnce' | 'atLeastOnce',
    copies = new Copies(undefined, undefined),
  ): Promise<void> => {
    const producer = new Producer(network, settings, guarantee === 'exactlyOnce')
    changelog = new Changelog({ network, isRead: () => false, copies })
    const ledger = new Ledger()
    const load = async (): Promise<void> => {
      if (ledger.has(group, 0)) return
      await producer.settle()
      ledger.load(group, 0, await metadata())
    }
    committer = new Committer({ network, producer, changelog, ledger, guarantee, open: load })
    await ensureTopics(network, settings, [
      { name: topic, partitions: 1 },
      { name: changelogOf(group), partitions: 2, compacted: true },
    ])
  }

  beforeEach(() => {
    group = `committer-${randomUUID()}`
    topic = `${group}-out`
    network = new Lossy(settings, testConnections())
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

  const unit = (value: string, member?: GroupMember): Unit => ({
    group,
    task: '0',
    ...(member && { member }),
    outputs: [{ topic, key: null, value: Buffer.from(value), headers: [], timestamp: 1 }],
    offsets: [],
    state: [],
    counts: [{ source: 's', stream: 't', read: 1, emitted: 1, dropped: 0, dead: 0 }],
  })

  const failures = async (units: readonly Unit[]): Promise<unknown[]> => {
    // What is given at once goes together when none of it has to ask for the topic first, as after a failure of the network.
    await network.leaders(topic)
    const outcomes = await Promise.allSettled(units.map((each) => committer.commit(each)))
    return outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason as unknown)
  }

  /** What is in the topic, up to a value. */
  const valuesTo = async (last: string): Promise<string[]> => {
    const [leader] = (await network.leaders(topic))!
    const limits = { maxWait: 1_000, maxBytes: 100_000, partitionBytes: 100_000 }
    const values: string[] = []
    for (let offset = 0; !values.includes(last);) {
      const [fetched] = await fetchFrom(network, leader!, [{ topic, partition: 0, offset }], limits)
      values.push(...recordsOf(fetched!).map(({ value }) => value!.toString()))
      offset = fetched!.next
    }
    return values
  }

  it('are those that are given in one turn, however late in it', async () => {
    await open('exactlyOnce')
    await network.leaders(topic)
    const later = async (value: string, turns: number): Promise<void> => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      await committer.commit(unit(value))
    }
    await Promise.all([later('a', 0), later('b', 20), later('c', 40)])
    expect(network.ended).toBe(1)
    expect(await valuesTo('c')).toEqual(['a', 'b', 'c'])
  })

  it('are written when their partitions are in the transaction, not before', async () => {
    await open('exactlyOnce')
    network.refusing = true
    for (const failure of await failures([unit('a'), unit('b')])) expect(failure).toBeInstanceOf(BrokerError)
    expect(network.produced).toBe(0)

    network.refusing = false
    await committer.commit(unit('c'))
    expect(await valuesTo('c')).toEqual(['c'])
  })

  it('are not tried one by one when nobody knows whether they were committed, and the ledger goes on from what is', async () => {
    await open('exactlyOnce')
    network.losing = true
    for (const failure of await failures([unit('a'), unit('b')])) expect(failure).toBeInstanceOf(Uncertain)

    network.losing = false
    await committer.commit(unit('c'))
    expect(await valuesTo('c')).toEqual(['a', 'b', 'c'])
    expect(decodeCounts(await metadata())).toMatchObject([{ read: 3, emitted: 3 }])
  })

  it('are not written once more one by one when their member has lost its partitions', async () => {
    await open('atLeastOnce')
    const gone = { generation: 7, id: 'gone' }
    for (const failure of await failures([unit('a', gone), unit('b', gone)])) expect(failure).toBeInstanceOf(Fenced)

    await committer.commit(unit('c'))
    expect(await valuesTo('c')).toEqual(['a', 'b', 'c'])
  })

  it('of another member go on when one has lost its partitions', async () => {
    await open('exactlyOnce')
    const [lost, kept] = await failures([unit('a', { generation: 7, id: 'gone' }), unit('b')])
    expect(lost).toBeInstanceOf(Fenced)
    expect(kept).toBeUndefined()
    expect(await valuesTo('b')).toEqual(['b'])
  })

  it('are in the copies of all their partitions when one copy could not be written', async () => {
    await open('exactlyOnce', new Broken(undefined, undefined))
    for (const partition of [0, 1]) await committer.restore(group, partition)
    const changing = (task: string): Unit => {
      return { ...unit(task), task, state: [{ store: 's', key: 'k', value: Buffer.from(task) }] }
    }
    for (const failure of await failures([changing('0'), changing('1')])) expect(failure).toBeInstanceOf(Uncertain)

    await committer.restore(group, 1)
    expect(changelog.copyOf(group, 1).reader('1').get('s', 'k')?.toString()).toBe('1')
    changelog.close()
  })
})
