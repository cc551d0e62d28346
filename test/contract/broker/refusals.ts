import { describe, expect, it, onTestFinished } from 'vitest'
import { OutputsRefused, type Broker } from '../../../src/broker/broker.ts'
import type { OutputRecord } from '../../../src/record/record.ts'
import { output, texts, unique, unit } from './setting.ts'

/** A kind of record that some topic refuses for good. */
export interface Refusable {
  /** Creates a topic that refuses it, with one partition. */
  readonly limit: (topic: string) => Promise<void>
  readonly bad: Partial<OutputRecord>
  readonly good: Partial<OutputRecord>
  readonly reason: RegExp
}

/** What a broker must do whose topics do not take any record. @param exact whether nothing of a refused unit is seen */
export function refusalContract(
  name: string,
  open: () => Promise<Broker>,
  kinds: { readonly [what: string]: Refusable },
  exact: boolean,
): void {
  describe(`${name} names the outputs that are refused`, () => {
    it.each(Object.entries(kinds))('%s', async (_, { limit, good, bad, reason }) => {
      const broker = await open()
      onTestFinished(() => broker.close())
      const [topic, group] = [unique('topic'), unique('group')]
      await limit(topic)
      const others = [unique('other')]
      await broker.ensureTopics([{ name: others[0]!, partitions: 2 }])
      const outputs = Array.from({ length: 300 }, (_, n) =>
        output(topic, { ...(n % 100 === 7 ? bad : good), headers: [['n', Buffer.from(String(n))]] }),
      )
      const rest = [output(others[0]!, { partition: 0 }), output(others[0]!, { partition: 1 })]
      const offsets = [{ topic: others[0]!, partition: 0, offset: 1n }]
      const state = [{ store: 's', key: 'k', value: Buffer.from('v') }]
      const failure = await broker
        .commit(unit(group, { outputs: [...outputs, ...rest], offsets, state }))
        .catch((thrown: unknown) => thrown)

      expect(failure).toBeInstanceOf(OutputsRefused)
      const { reasons } = failure as OutputsRefused
      expect([...reasons.keys()].toSorted((a, b) => a - b)).toEqual([7, 107, 207])
      for (const each of reasons.values()) expect(each).toMatch(reason)
      expect(await broker.committed(group)).toEqual([])
      expect((await broker.state(group, '0')).get('s', 'k')).toBeUndefined()
      const seen = async (of: string) => (await broker.read({ topic: of, partition: 0, offset: 0n }, 1_000)).records
      if (exact) expect([...(await seen(topic)), ...(await seen(others[0]!))]).toEqual([])

      await broker.commit(unit(group, { outputs: [output(topic, good)], offsets, state }))
      await expect.poll(() => broker.committed(group)).toEqual(offsets)
      expect(texts(await seen(topic)).at(-1)).toEqual(good.value?.toString() ?? 'value')
    })

    it('and nothing that comes behind one of them in its partition is seen before it', async () => {
      const broker = await open()
      onTestFinished(() => broker.close())
      const topic = unique('topic')
      const { limit, bad, good } = Object.values(kinds)[0]!
      await limit(topic)
      const named = (n: number): OutputRecord =>
        output(topic, { ...(n === 250 ? bad : good), headers: [['n', Buffer.from(String(n))]] })
      const outputs = Array.from({ length: 500 }, (_, n) => named(n))
      await expect(broker.commit(unit(unique('group'), { outputs }))).rejects.toThrow(OutputsRefused)
      const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 1_000)
      const seen = records.map(({ headers }) => Number(headers[0]![1]))
      expect(seen).toEqual(Array.from({ length: seen.length }, (_, n) => n))
      expect(seen.length).toBeLessThanOrEqual(250)
    })

    it('every one of a unit of nothing else', async () => {
      const broker = await open()
      onTestFinished(() => broker.close())
      const topic = unique('topic')
      const { limit, bad } = Object.values(kinds)[0]!
      await limit(topic)
      const outputs = Array.from({ length: 2_000 }, () => output(topic, bad))
      const failure = await broker.commit(unit(unique('group'), { outputs })).catch((thrown: unknown) => thrown)
      expect((failure as OutputsRefused).reasons.size).toBe(2_000)
    })

    it('not those of a unit that is committed at the same time', async () => {
      const broker = await open()
      onTestFinished(() => broker.close())
      const [topic, group] = [unique('topic'), unique('group')]
      const { limit, bad, good } = Object.values(kinds)[0]!
      await limit(topic)
      const units = [good, bad, good, good].map((record) => unit(group, { outputs: [output(topic, record)] }))
      const ends = await Promise.allSettled(units.map((each) => broker.commit(each)))
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
      const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 100)
      expect(records.length).toBeGreaterThanOrEqual(3)
      if (exact) expect(records).toHaveLength(3)
    })
  })
}
