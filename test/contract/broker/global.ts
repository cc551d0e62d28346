import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerError, globalTask, type Broker, type StateReader } from '../../../src/broker/broker.ts'
import { output, unique, unit, type Setting } from './setting.ts'

/** What all tasks of a group share. */
export function globalContract(current: () => Setting): void {
  describe('what all tasks share', () => {
    let broker: Broker
    let group: string
    let topic: string
    beforeEach(async () => {
      ;({ broker, group, topic } = current())
      await broker.ensureTopics([{ name: topic, partitions: 1 }])
      await (await broker.subscribe(group, [topic])).close()
    })
    const put = (key: string, value: string | null) => ({
      store: 't',
      key,
      value: value === null ? null : Buffer.from(value),
    })
    const rows = (state: StateReader) =>
      Object.fromEntries([...state.entries('t')].map(([key, value]) => [key, String(value)]))

    it('is changed by units of any task, and followed by whoever asked for it', async () => {
      const before = await broker.state(group, globalTask)
      expect(rows(before)).toEqual({})
      await broker.commit(unit(group, { global: [put('a', '1'), put('b', '1'), put('a', '2')] }))
      await broker.commit(unit(group, { task: '0', global: [put('b', null), put('é', '3')], state: [put('own', '1')] }))
      await expect.poll(() => rows(before), { timeout: 10_000 }).toEqual({ a: '2', é: '3' })
      expect(before.get('t', 'a')).toEqual(Buffer.from('2'))
      expect(before.get('t', 'own')).toBeUndefined()
      expect(await broker.stores(group, [globalTask])).toEqual([{ task: globalTask, name: 't', entries: 2, bytes: 5 }])
      expect(await broker.stores(unique('other'), [globalTask])).toEqual([])
    })

    it('is as it was committed when it is asked for', async () => {
      await broker.state(group, globalTask)
      const changes = Array.from({ length: 500 }, (_, n) => put(`k${n}`, String(n)))
      await broker.commit(unit(group, { global: changes }))
      await expect.poll(async () => [...(await broker.state(group, globalTask)).entries('t')]).toHaveLength(500)
    })

    it('is no more changed than anything else by a unit that cannot be committed', async () => {
      const state = await broker.state(group, globalTask)
      const missing = unit(group, { outputs: [output(topic, { partition: 7 })], global: [put('a', 'lost')] })
      await expect(broker.commit(missing)).rejects.toThrow(BrokerError)
      await broker.commit(unit(group, { global: [put('b', 'kept')] }))
      await expect.poll(() => rows(state), { timeout: 10_000 }).toEqual({ b: 'kept' })
    })

    it('is forgotten where a group starts over', async () => {
      await broker.state(group, globalTask)
      await broker.commit(unit(group, { global: [put('a', '1')] }))
      await broker.reset(group, { offsets: [], topics: [] })
      expect(rows(await broker.state(unique('other'), globalTask))).toEqual({})
      await expect.poll(async () => broker.stores(group, [globalTask]), { timeout: 20_000 }).toEqual([])
    })
  })
}
