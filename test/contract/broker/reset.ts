import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { count, output, take, texts, unique, unit, type Setting } from './setting.ts'

/** A group can start over. */
export function resetContract(current: () => Setting): void {
  describe('a group that starts over', () => {
    let broker: Broker
    let topic: string
    let group: string
    let own: string
    beforeEach(async () => {
      ;({ broker, topic, group } = current())
      own = unique('own')
      await broker.ensureTopics([
        { name: topic, partitions: 2 },
        { name: own, partitions: 1 },
      ])
      const outputs = ['a', 'b'].flatMap((text) =>
        [0, 1].map((partition) => output(topic, { partition, value: Buffer.from(`${text}${partition}`) })),
      )
      await broker.commit(unit(unique('writer'), { outputs: [...outputs, output(own)] }))
      const offsets = [0, 1].map((partition) => ({ topic, partition, offset: 2n }))
      const state = [{ store: 's', key: 'k', value: Buffer.from('v') }]
      await broker.commit(unit(group, { offsets, state, counts: [count] }))
    })

    it('has no state, no counts and no offsets, and its topics are gone; done again it is so too', async () => {
      const other = unique('other')
      await broker.commit(unit(other, { state: [{ store: 's', key: 'k', value: Buffer.from('v') }], counts: [count] }))
      for (let time = 0; time < 2; time++) await broker.reset(group, { offsets: [], topics: [own] })
      expect(await broker.committed(group)).toEqual([])
      expect(await broker.counts(group)).toEqual([])
      expect(await broker.stores(group)).toEqual([])
      expect((await broker.topics([own, topic])).map(({ name }) => name)).toEqual([topic])
      expect(await broker.counts(other)).toEqual([count])

      const subscription = await broker.subscribe(group, [topic])
      expect(texts(await take(subscription, 4)).toSorted()).toEqual(['a0', 'a1', 'b0', 'b1'])
      await subscription.close()
      await broker.commit(unit(group, { state: [{ store: 's', key: 'new', value: Buffer.from('v') }] }))
      expect([...(await broker.state(group, '0')).entries('s')].map(([key]) => key)).toEqual(['new'])
    })

    it('goes on where it is told to', async () => {
      await broker.reset(group, { offsets: [{ topic, partition: 1, offset: 1n }], topics: [] })
      const subscription = await broker.subscribe(group, [topic])
      expect(texts(await take(subscription, 3)).toSorted()).toEqual(['a0', 'b0', 'b1'])
      await subscription.close()
    })

    it('is not reset while somebody reads for it', async () => {
      const subscription = await broker.subscribe(group, [topic])
      await expect(broker.reset(group, { offsets: [], topics: [] })).rejects.toThrow(`${group} is running: stop it`)
      expect(await broker.counts(group)).toEqual([count])
      await subscription.close()
    })
  })
}
