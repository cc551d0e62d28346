import { describe, expect, it } from 'vitest'
import { output, take, texts, unit, type Setting } from './setting.ts'

/** Records that nobody needs any more can be deleted. */
export function trimContract(current: () => Setting): void {
  describe('records before an offset', () => {
    it('are deleted, batches at a time, and those from it on are kept', async () => {
      const { broker, topic, group } = current()
      await broker.ensureTopics([{ name: topic, partitions: 2 }])
      for (const text of ['a', 'b', 'c'])
        await broker.commit(unit('writer', { outputs: [output(topic, { partition: 1, value: Buffer.from(text) })] }))
      const second = (await broker.read({ topic, partition: 1, offset: 0n }, 10)).records[1]!.offset
      await broker.trim([{ topic, partition: 1, offset: second }])
      const [, after] = (await broker.topics([topic]))[0]!.partitions
      expect(after!.start).toBe(second)
      const subscription = await broker.subscribe(group, [topic])
      expect(texts(await take(subscription, 2))).toEqual(['b', 'c'])
      await subscription.close()
    })

    it('are gone already, or their topic is: nothing happens', async () => {
      const { broker, topic } = current()
      await broker.ensureTopics([{ name: topic, partitions: 1 }])
      await broker.commit(unit('writer', { outputs: [output(topic)] }))
      for (let time = 0; time < 2; time++) await broker.trim([{ topic, partition: 0, offset: 0n }])
      await broker.trim([{ topic: `${topic}-none`, partition: 0, offset: 1n }])
      expect((await broker.read({ topic, partition: 0, offset: 0n }, 10)).records).toHaveLength(1)
    })
  })
}
