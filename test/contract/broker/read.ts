import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerError, type Broker } from '../../../src/broker/broker.ts'
import { output, texts, unique, unit, type Setting } from './setting.ts'

/** Any part of a partition can be read by anyone. */
export function readContract(current: () => Setting): void {
  describe('read', () => {
    let broker: Broker
    let topic: string
    let append: Setting['append']
    let everything: Setting['everything']
    beforeEach(() => {
      ;({ broker, topic, append, everything } = current())
    })
    beforeEach(() => broker.ensureTopics([{ name: topic, partitions: 1 }]))

    it('goes from any offset, by so many records, and to the end', async () => {
      await append(...['a', 'b', 'c', 'd'].map((value) => output(topic, { value: Buffer.from(value) })))
      const all = await everything(topic)
      const middle = await broker.read({ topic, partition: 0, offset: all[1]!.offset }, 2)
      expect(texts(middle.records)).toEqual(['b', 'c'])
      const rest = await broker.read({ topic, partition: 0, offset: middle.next }, 10)
      expect(texts(rest.records)).toEqual(['d'])
      const end = await broker.read({ topic, partition: 0, offset: rest.next }, 10)
      expect(end).toEqual({ topic, partition: 0, records: [], next: rest.next })
    })

    it('gives any number of records at once', async () => {
      const outputs = Array.from({ length: 200_000 }, () => output(topic, { value: Buffer.from('a') }))
      await broker.commit(unit(unique('group'), { outputs }))
      expect((await broker.read({ topic, partition: 0, offset: 0n }, outputs.length)).records).toHaveLength(200_000)
    })

    it('refuses a topic or a partition that does not exist, by name', async () => {
      const missing = unique('missing')
      await expect(broker.read({ topic: missing, partition: 0, offset: 0n }, 1)).rejects.toThrow(missing)
      const wrongPartition = broker.read({ topic, partition: 9, offset: 0n }, 1)
      await expect(wrongPartition).rejects.toThrow(BrokerError)
      await expect(wrongPartition).rejects.toThrow(/partition 9/)
    })
  })
}
