import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerError, type Broker } from '../../../src/broker/broker.ts'
import { output, type Setting } from './setting.ts'

/** Topics are as they were asked for. */
export function topicContract(current: () => Setting): void {
  describe('topics', () => {
    let broker: Broker
    let topic: string
    let append: Setting['append']
    let everything: Setting['everything']
    let infoOf: Setting['infoOf']
    beforeEach(() => {
      ;({ broker, topic, append, everything, infoOf } = current())
    })
    it('are made as asked, again without effect, and keep their records', async () => {
      const spec = { name: topic, partitions: 3, retention: 86_400_000_000 }
      await broker.ensureTopics([spec])
      await append(output(topic, { partition: 1, timestamp: Date.now() }))
      await broker.ensureTopics([spec])
      const info = await infoOf(topic)
      expect(info).toMatchObject({ name: topic, retention: 86_400_000_000 })
      expect(info!.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2])
      expect(await everything(topic, 1)).toHaveLength(1)
    })

    it('tell where their partitions begin and end, those that there are', async () => {
      await broker.ensureTopics([{ name: topic, partitions: 2 }])
      await append(output(topic, { partition: 1 }), output(topic, { partition: 1 }))
      await broker.trim([{ topic, partition: 1, offset: 2n }])
      await append(output(topic, { partition: 1 }))
      const bounds = await broker.bounds([topic, `${topic}.none`])
      expect(bounds.map(({ topic, partition, start }) => ({ topic, partition, start }))).toEqual([
        { topic, partition: 0, start: 0n },
        { topic, partition: 1, start: 2n },
      ])
      expect(bounds[0]!.end).toBe(0n)
      expect(bounds[1]!.end).toBeGreaterThanOrEqual(3n) // On Kafka what commits a transaction has an offset, too.
    })

    it('have their retention adjusted', async () => {
      await broker.ensureTopics([{ name: topic, retention: 86_400_000_000 }])
      await broker.ensureTopics([{ name: topic, retention: 99_000_000_000 }])
      expect((await infoOf(topic))!.retention).toBe(99_000_000_000)
    })

    it('keep their records for longer at once, for shorter only where that is allowed', async () => {
      const retention = 86_400_000_000
      const spec = { name: topic, partitions: 1, retention }
      await broker.ensureTopics([spec])
      await append(output(topic, { timestamp: Date.now() }))
      await broker.ensureTopics([{ ...spec, retention: 2 * retention }])
      await broker.ensureTopics([spec])
      expect((await infoOf(topic))!.retention).toBe(2 * retention)
      await broker.ensureTopics([spec], { shorten: true })
      expect((await infoOf(topic))!.retention).toBe(retention)
    })

    it('get more partitions while they are empty, and an error when keys would move, the others being made', async () => {
      const partitionsOf = async (of: string) => (await infoOf(of))?.partitions.length
      await broker.ensureTopics([{ name: topic, partitions: 1 }])
      await broker.ensureTopics([{ name: topic, partitions: 4 }])
      expect(await partitionsOf(topic)).toBe(4)
      await append(output(topic))
      const more = broker.ensureTopics([
        { name: topic, partitions: 8 },
        { name: `${topic}.other`, partitions: 2 },
      ])
      await expect(more).rejects.toThrow(/its keys would move/)
      expect(await partitionsOf(topic)).toBe(4)
      expect(await partitionsOf(`${topic}.other`)).toBe(2)
    })

    it('lose no partition', async () => {
      await broker.ensureTopics([{ name: topic, partitions: 3 }])
      await broker.ensureTopics([{ name: topic, partitions: 1 }])
      expect((await infoOf(topic))!.partitions).toHaveLength(3)
    })

    it('tell where each partition starts and ends', async () => {
      await broker.ensureTopics([{ name: topic, partitions: 2 }])
      await append(output(topic, { partition: 0 }), output(topic, { partition: 0 }))
      const [full, empty] = (await infoOf(topic))!.partitions
      expect(full).toMatchObject({ partition: 0, start: 0n })
      expect(full!.end).toBeGreaterThanOrEqual(2n)
      expect(empty).toEqual({ partition: 1, start: 0n, end: 0n })
    })

    it.each([{ partitions: 0 }, { partitions: 1.5 }, { retention: 0 }, { retention: -1 }])(
      'are refused with %o',
      async (wrong) => {
        await expect(broker.ensureTopics([{ name: topic, ...wrong }])).rejects.toThrow(BrokerError)
        expect(await infoOf(topic)).toBeUndefined()
      },
    )
  })
}
