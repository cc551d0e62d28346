import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import type { Setting } from './setting.ts'

/** Who reads for a group is told. */
export function memberContract(current: () => Setting): void {
  describe('the members of a group', () => {
    let broker: Broker
    let topic: string
    let group: string
    beforeEach(() => {
      ;({ broker, topic, group } = current())
    })

    it('are those that have joined, each with its partitions, until they leave', async () => {
      await broker.ensureTopics([{ name: topic, partitions: 2 }])
      expect(await broker.members(group)).toEqual([])

      const subscription = await broker.subscribe(group, [topic])
      const [member, ...others] = await broker.members(group)
      expect(others).toEqual([])
      expect(member!.clientId).toContain(String(process.pid))
      expect(member!.host).not.toBe('')
      expect(member!.partitions).toEqual([
        { topic, partition: 0 },
        { topic, partition: 1 },
      ])

      await subscription.close()
      expect(await broker.members(group)).toEqual([])
    })
  })
}
