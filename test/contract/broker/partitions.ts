import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { partitionOf } from '../../../src/broker/partition.ts'
import { output, type Setting } from './setting.ts'

/** Records go to the partition that Kafka would choose. */
export function partitionContract(current: () => Setting): void {
  describe('partitions', () => {
    let broker: Broker
    let topic: string
    let append: Setting['append']
    let everything: Setting['everything']
    let infoOf: Setting['infoOf']
    beforeEach(() => {
      ;({ broker, topic, append, everything, infoOf } = current())
    })
    beforeEach(() => broker.ensureTopics([{ name: topic, partitions: 5 }]))

    it('are chosen by the murmur2 hash of the key', async () => {
      const keys = Array.from({ length: 50 }, (_, n) => Buffer.from(`key-${n}`)).concat(Buffer.alloc(0))
      await append(...keys.map((key) => output(topic, { key })))
      for (let partition = 0; partition < 5; partition++) {
        const found = (await everything(topic, partition)).map(({ key }) => key)
        expect(found).toEqual(keys.filter((key) => partitionOf(key, 5) === partition))
      }
    })

    it('are taken as they are named, whatever the key', async () => {
      const key = Buffer.from('21')
      const other = (partitionOf(key, 5) + 1) % 5
      await append(output(topic, { key, partition: other }))
      expect(await everything(topic, other)).toHaveLength(1)
    })

    it('take records without a key in turn, so that none is left out for long', async () => {
      for (let n = 0; n < 60; n++) await append(output(topic))
      const filled = (await infoOf(topic))!.partitions.filter(({ start, end }) => end > start)
      expect(filled.length).toBeGreaterThan(1)
      const records = await Promise.all(filled.map(({ partition }) => everything(topic, partition)))
      expect(records.flat()).toHaveLength(60)
    })
  })
}
