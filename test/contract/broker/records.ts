import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import type { Header } from '../../../src/record/record.ts'
import { output, type Setting } from './setting.ts'

/** Records come back as they went in. */
export function recordContract(current: () => Setting): void {
  describe('records', () => {
    let broker: Broker
    let topic: string
    let append: Setting['append']
    let everything: Setting['everything']
    beforeEach(() => {
      ;({ broker, topic, append, everything } = current())
    })
    beforeEach(() => broker.ensureTopics([{ name: topic, partitions: 1 }]))

    it('tells null from empty, in keys and values', async () => {
      const empty = Buffer.alloc(0)
      await append(
        output(topic, { key: null, value: null }),
        output(topic, { key: empty, value: empty }),
        output(topic, { key: empty, value: null }),
      )
      expect((await everything(topic)).map(({ key, value }) => [key, value])).toEqual([
        [null, null],
        [empty, empty],
        [empty, null],
      ])
    })

    it('keeps every byte of keys, values and headers', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
      await append(output(topic, { key: bytes, value: bytes, headers: [['b', bytes]] }))
      const [record] = await everything(topic)
      expect([record!.key, record!.value, record!.headers[0]![1]]).toEqual([bytes, bytes, bytes])
    })

    it('keeps the order and the repeats of headers, null and empty values, and names in Unicode', async () => {
      const headers: Header[] = [
        ['b', Buffer.from('1')],
        ['a', null],
        ['b', Buffer.from('2')],
        ['ключ', Buffer.alloc(0)],
        ['b', Buffer.from('1')],
      ]
      await append(output(topic, { headers }), output(topic))
      expect((await everything(topic)).map((record) => record.headers)).toEqual([headers, []])
    })

    it('keeps timestamps, in whatever order they come', async () => {
      const timestamps = [1_700_000_000_000, 0, 1_800_000_000_000, 1_700_000_000_001]
      await append(...timestamps.map((timestamp) => output(topic, { timestamp })))
      expect((await everything(topic)).map(({ timestamp }) => timestamp)).toEqual(timestamps)
    })

    it('keeps a value of half a megabyte', async () => {
      const value = Buffer.alloc(524_288, 'ab')
      await append(output(topic, { value }), output(topic))
      expect((await everything(topic))[0]!.value!.equals(value)).toBe(true)
    })

    it('knows its place: topic, partition, and an offset after all earlier ones', async () => {
      await append(output(topic), output(topic))
      await append(output(topic))
      const records = await everything(topic)
      expect(records.map((record) => [record.topic, record.partition])).toEqual(Array(3).fill([topic, 0]))
      const offsets = records.map(({ offset }) => offset)
      expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => (a < b ? -1 : 1)))
    })
  })
}
