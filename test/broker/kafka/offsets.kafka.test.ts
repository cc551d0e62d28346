import { randomUUID } from 'node:crypto'
import { endTxnV3, offsetFetchV8, type Connection } from '@platformatic/kafka'
import { expect, it } from 'vitest'
import { Network, type CoordinatorKind } from '../../../src/broker/kafka/network.ts'
import { committedOffsets } from '../../../src/broker/kafka/offsets.ts'
import { Producer } from '../../../src/broker/kafka/producer.ts'
import { ensureTopics } from '../../../src/broker/kafka/topics.ts'
import { describeKafka, testSettings, testConnections } from '../../support/kafka/open.ts'

/** Says when a transaction is about to be ended, and waits there; and when offsets have been asked for. */
class Watched extends Network {
  readonly ending = Promise.withResolvers<void>()
  readonly mayEnd = Promise.withResolvers<void>()
  readonly asked = Promise.withResolvers<void>()

  override async callCoordinator<A extends unknown[], R>(
    kind: CoordinatorKind,
    key: string,
    api: { async(connection: Connection, ...args: A): Promise<R> },
    ...args: A
  ): Promise<R> {
    if ((api as unknown) === endTxnV3.api) {
      this.ending.resolve()
      await this.mayEnd.promise
    }
    try {
      return await super.callCoordinator(kind, key, api, ...args)
    } finally {
      if ((api as unknown) === offsetFetchV8.api) this.asked.resolve()
    }
  }
}

describeKafka('the offsets of a group', () => {
  it('are told although some transaction that commits for it is open at every moment', async () => {
    const settings = testSettings()
    const group = `offsets-${randomUUID()}`
    const topic = `${group}-in`
    const networks = Array.from({ length: 3 }, () => new Watched(settings, testConnections()))
    const [first, second, asking] = networks as [Watched, Watched, Watched]
    const commit = (network: Network, partition: number, offset: bigint) =>
      new Producer(network, settings, true).transact(
        [],
        [{ group, generation: -1, member: '', offsets: [{ topic, partition, offset }] }],
      )
    try {
      await ensureTopics(asking, settings, [{ name: topic, partitions: 2 }])
      asking.mayEnd.resolve()
      for (const partition of [0, 1]) await commit(asking, partition, 1n)

      const one = commit(first, 0, 2n)
      await first.ending.promise
      const offsets = committedOffsets(asking, group, 'all', 5_000)
      await asking.asked.promise
      const other = commit(second, 1, 2n)
      await second.ending.promise
      first.mayEnd.resolve()
      await one

      const told = (await offsets).toSorted((a, b) => a.partition - b.partition)
      expect(told.map(({ offset }) => offset)).toEqual([2n, 1n])
      second.mayEnd.resolve()
      await other
    } finally {
      for (const network of networks) network.mayEnd.resolve()
      await Promise.all(networks.map((network) => network.close()))
    }
  })
})
