import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  BrokerError,
  type Batch,
  type Broker,
  type GroupMember,
  type Subscription,
} from '../../../src/broker/broker.ts'
import type { StoredRecord } from '../../../src/record/record.ts'
import { output, take, texts, unique, unit, type Setting } from './setting.ts'

/** A group reads every record once, from where it committed. */
export function subscriptionContract(current: () => Setting): void {
  describe('a subscription', () => {
    let broker: Broker
    let topic: string
    let group: string
    let append: Setting['append']
    beforeEach(() => {
      ;({ broker, topic, group, append } = current())
    })
    beforeEach(() => broker.ensureTopics([{ name: topic, partitions: 2 }]))

    const fill = (partition: number, ...values: string[]): Promise<void> =>
      append(...values.map((value) => output(topic, { partition, value: Buffer.from(value) })))
    let member: GroupMember | undefined
    /** Only a member commits for a group that has members. */
    const join = (name: string): Promise<Subscription> =>
      broker.subscribe(name, [topic], {
        assigned: async (_, own) => {
          if (name === group) member = own
        },
        revoked: async () => {},
      })
    const commitUpTo = (record: StoredRecord): Promise<void> => {
      const offsets = [{ topic, partition: record.partition, offset: record.offset + 1n }]
      return broker.commit(unit(group, { offsets, ...(member && { member }) }))
    }
    const place = { topic: '', partition: 0 }
    beforeEach(() => {
      place.topic = topic
    })
    /** Whether the promise is settled by the next turn of the event loop. */
    const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
      const pending = Symbol('pending')
      return (await Promise.race([promise, setImmediate(pending)])) === pending
    }

    it('reads from the start where its group never committed, each record once', async () => {
      await fill(0, 'a', 'b')
      await fill(1, 'c')
      const subscription = await broker.subscribe(group, [topic])
      const first = await take(subscription, 3)
      expect(texts(first).toSorted()).toEqual(['a', 'b', 'c'])
      await fill(0, 'd')
      expect(texts(await take(subscription, 1))).toEqual(['d'])
      await subscription.close()
    })

    it('gives at most as many records as asked for, and says where each batch ends', async () => {
      await fill(0, ...Array.from({ length: 25 }, (_, n) => `v${n}`))
      const subscription = await broker.subscribe(group, [topic])
      const batches: Batch[] = []
      const signal = AbortSignal.timeout(20_000)
      while (batches.reduce((sum, { records }) => sum + records.length, 0) < 25 && !signal.aborted) {
        const polled = await subscription.poll({ maxRecords: 10, signal })
        expect(polled.reduce((sum, { records }) => sum + records.length, 0)).toBeLessThanOrEqual(10)
        batches.push(...polled)
      }
      expect(texts(batches.flatMap(({ records }) => records))).toEqual(Array.from({ length: 25 }, (_, n) => `v${n}`))
      for (const { next, records } of batches) expect(next).toBeGreaterThan(records.at(-1)?.offset ?? -1n)
      await subscription.close()
    })

    it('lets no full partition starve another', async () => {
      await fill(0, ...Array.from({ length: 200 }, () => 'many'))
      await fill(1, 'one')
      const subscription = await broker.subscribe(group, [topic])
      const seen = await take(subscription, 100, 10)
      expect(texts(seen)).toContain('one')
      await subscription.close()
    })

    it('goes on from what its group committed', async () => {
      await fill(0, 'a', 'b', 'c')
      const before = await join(group)
      const [first] = await take(before, 3)
      await commitUpTo(first!)
      await before.close()

      const after = await broker.subscribe(group, [topic])
      expect(texts(await take(after, 2))).toEqual(['b', 'c'])
      await after.close()
    })

    it('is alone with its group: another group reads everything for itself', async () => {
      await fill(0, 'a', 'b')
      const other = unique('other')
      const mine = await join(group)
      const theirs = await broker.subscribe(other, [topic])
      const [, last] = await take(mine, 2)
      await commitUpTo(last!)
      expect(texts(await take(theirs, 2))).toEqual(['a', 'b'])
      expect(await broker.committed(other)).toEqual([])
      await mine.close()
      await theirs.close()
    })

    it('rewinds a partition to what was committed, and leaves the others', async () => {
      await fill(0, 'a', 'b', 'c')
      await fill(1, 'x')
      const subscription = await join(group)
      const records = await take(subscription, 4)
      await commitUpTo(records.find(({ value }) => value!.toString() === 'a')!)
      subscription.rewind(place)
      expect(texts(await take(subscription, 2))).toEqual(['b', 'c'])
      await subscription.close()
    })

    it('gives nothing of a paused partition until it is resumed', async () => {
      await fill(0, 'held')
      const subscription = await broker.subscribe(group, [topic])
      subscription.pause(place)
      await fill(1, 'free')
      expect(texts(await take(subscription, 1))).toEqual(['free'])

      const polled = subscription.poll({ maxRecords: 10, signal: AbortSignal.timeout(20_000) })
      expect(await isPending(polled)).toBe(true)
      subscription.resume(place)
      expect(texts((await polled).flatMap(({ records }) => records))).toEqual(['held'])
      await subscription.close()
    })

    it('waits for records, and has them once they are committed', async () => {
      const subscription = await broker.subscribe(group, [topic])
      const polled = take(subscription, 1)
      expect(await isPending(polled)).toBe(true)
      await fill(1, 'late')
      expect(texts(await polled)).toEqual(['late'])
      await subscription.close()
    })

    it('gives none once the signal aborts, and loses none by it', async () => {
      const subscription = await broker.subscribe(group, [topic])
      const stop = new AbortController()
      const polled = subscription.poll({ maxRecords: 10, signal: stop.signal })
      expect(await isPending(polled)).toBe(true)
      stop.abort()
      expect(await polled).toEqual([])

      await fill(0, 'a')
      expect(await subscription.poll({ maxRecords: 10, signal: stop.signal })).toEqual([])
      expect(texts(await take(subscription, 1))).toEqual(['a'])
      await subscription.close()
    })

    it('ends a poll that waits when it is closed, and polls no more', async () => {
      const subscription = await broker.subscribe(group, [topic])
      const signal = AbortSignal.timeout(20_000)
      const polled = subscription.poll({ maxRecords: 10, signal })
      expect(await isPending(polled)).toBe(true)
      await subscription.close()
      expect(await polled).toEqual([])
      expect(signal.aborted).toBe(false)
      await expect(subscription.poll({ maxRecords: 10, signal })).rejects.toThrow(BrokerError)
    })

    it('knows how far it is behind', async () => {
      const subscription = await broker.subscribe(group, [topic])
      const behind = async (): Promise<bigint[]> =>
        (await subscription.lag())
          .toSorted((a, b) => a.partition - b.partition)
          .map(({ position, end }) => end - position)
      expect(await behind()).toEqual([0n, 0n])
      await fill(0, 'a')
      expect((await behind())[0]).toBeGreaterThan(0n)
      await take(subscription, 1)
      await vi.waitFor(async () => {
        await subscription.poll({ maxRecords: 10, signal: AbortSignal.timeout(50) })
        expect(await behind()).toEqual([0n, 0n])
      })
      subscription.rewind(place)
      await vi.waitFor(async () => expect((await behind())[0]).toBeGreaterThan(0n))
      await subscription.close()
    })

    it('tells its listener of its partitions before it gives any record of them', async () => {
      const told: string[] = []
      await fill(0, 'a')
      const subscription = await broker.subscribe(group, [topic], {
        assigned: async (partitions) => void told.push(...partitions.map((own) => `${own.topic}/${own.partition}`)),
        revoked: async () => {},
      })
      await take(subscription, 1)
      expect(told.toSorted()).toEqual([`${topic}/0`, `${topic}/1`])
      await subscription.close()
    })

    it('reads several topics', async () => {
      await broker.ensureTopics([{ name: `${topic}.b`, partitions: 1 }])
      await fill(0, 'a')
      await append(output(`${topic}.b`, { value: Buffer.from('b') }))
      const subscription = await broker.subscribe(group, [topic, `${topic}.b`])
      expect(texts(await take(subscription, 2)).toSorted()).toEqual(['a', 'b'])
      await subscription.close()
    })

    it.each([0, -1, 1.5, Number.NaN])('refuses to poll for %d records', async (maxRecords) => {
      const subscription = await broker.subscribe(group, [topic])
      const polled = subscription.poll({ maxRecords, signal: AbortSignal.timeout(20_000) })
      await expect(polled).rejects.toThrow(BrokerError)
      await subscription.close()
    })

    it('refuses a topic that it does not read', async () => {
      const subscription = await broker.subscribe(group, [topic])
      for (const call of ['pause', 'resume', 'rewind'] as const) {
        expect(() => subscription[call]({ topic: 'elsewhere', partition: 0 })).toThrow(BrokerError)
      }
      await subscription.close()
    })
  })
}
