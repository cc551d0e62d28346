import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerError, type Broker } from '../../../src/broker/broker.ts'
import { count, output, texts, unique, unit, type Setting } from './setting.ts'

/** A unit is committed at once, or not at all. */
export function commitContract(current: () => Setting): void {
  describe('commit', () => {
    let broker: Broker
    let topic: string
    let group: string
    let append: Setting['append']
    let everything: Setting['everything']
    beforeEach(() => {
      ;({ broker, topic, group, append, everything } = current())
    })
    beforeEach(() =>
      broker.ensureTopics([
        { name: topic, partitions: 2 },
        { name: `${topic}.out`, partitions: 1 },
      ]),
    )

    const offsets = () => [{ topic, partition: 0, offset: 1n }]
    const state = [{ store: 'seen', key: 'k', value: Buffer.from('v') }]

    it('makes outputs, offsets, state and counts visible', async () => {
      await append(output(topic, { partition: 0 }))
      await broker.commit(
        unit(group, { outputs: [output(`${topic}.out`)], offsets: offsets(), state, counts: [count] }),
      )
      expect(texts(await everything(`${topic}.out`))).toEqual(['value'])
      expect(await broker.committed(group)).toEqual(offsets())
      expect((await broker.state(group, '0')).get('seen', 'k')).toEqual(Buffer.from('v'))
      expect(await broker.counts(group)).toEqual([count])
    })

    it.each([
      ['a partition that does not exist', { partition: 7 }],
      ['a timestamp that is none', { timestamp: Number.NaN }],
    ])('keeps nothing of a unit with %s in its last output', async (_, bad) => {
      await append(output(topic, { partition: 0 }))
      const outputs = [output(`${topic}.out`), output(topic, { partition: 1 }), output(topic, bad)]
      const commit = broker.commit(unit(group, { outputs, offsets: offsets(), state, counts: [count] }))

      await expect(commit).rejects.toThrow(BrokerError)
      await expect(commit).rejects.toThrow(topic)
      expect(await everything(`${topic}.out`)).toEqual([])
      expect(await everything(topic, 1)).toEqual([])
      expect(await broker.committed(group)).toEqual([])
      expect((await broker.state(group, '0')).get('seen', 'k')).toBeUndefined()
      expect(await broker.counts(group)).toEqual([])
    })

    it.each(['größe', 'a/b', 'a b', '', '.', 'x'.repeat(250)])('refuses the topic name %j', async (bad) => {
      const commit = append(output(`${topic}.out`), output(bad))
      await expect(commit).rejects.toThrow(BrokerError)
      await expect(commit).rejects.toThrow(JSON.stringify(bad))
      expect(await everything(`${topic}.out`)).toEqual([])
    })

    it('goes on after a unit that was refused', async () => {
      await expect(append(output(topic, { partition: 7 }))).rejects.toThrow(BrokerError)
      await append(output(`${topic}.out`))
      expect(await everything(`${topic}.out`)).toHaveLength(1)
    })

    it('takes units at the same time and keeps each in its order', async () => {
      const units = Array.from({ length: 20 }, (_, n) => [`${n}.0`, `${n}.1`, `${n}.2`])
      await Promise.all(
        units.map((values) => append(...values.map((value) => output(`${topic}.out`, { value: Buffer.from(value) })))),
      )
      const found = texts(await everything(`${topic}.out`))
      expect(found.toSorted()).toEqual(units.flat().toSorted())
      for (const values of units) {
        const first = found.indexOf(values[0])
        expect(found.slice(first, first + 3)).toEqual(values)
      }
    })

    it('adds counts up, per group, source and stream', async () => {
      const other = unique('other')
      await broker.commit(unit(group, { counts: [count, { ...count, stream: 'u' }] }))
      await broker.commit(unit(group, { counts: [{ ...count, read: 4, dead: 2 }] }))
      await broker.commit(unit(other, { counts: [count] }))
      expect(await broker.counts(group)).toEqual([
        { ...count, read: 7, emitted: 2, dropped: 2, dead: 3 },
        { ...count, stream: 'u' },
      ])
      expect(await broker.counts(other)).toEqual([count])
    })
  })
}
