import { describe, expect, it, onTestFinished } from 'vitest'
import type { Batch, Broker, GroupMember, Subscription } from '../../../src/broker/broker.ts'
import { output, texts, unique, unit } from './setting.ts'

/** A broker whose records can be deleted by somebody else, as retention does. */
export interface Expiring {
  readonly broker: Broker
  /** The timestamp of the n-th record, whose offset is n. */
  readonly timestampOf: (n: number) => number
  /** Deletes the records of the topic's first partition before an offset. */
  delete(topic: string, before: number): Promise<void>
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => String(from + n))

/** What a broker must say of records that were deleted before a member was given them. */
export function expiryContract(name: string, open: () => Promise<Expiring>): void {
  describe(`${name} tells of records that were deleted before they were read`, () => {
    async function setUp() {
      const { broker, ...expiring } = await open()
      onTestFinished(() => broker.close())
      const [topic, group] = [unique('topic'), unique('group')]
      let member: GroupMember | undefined
      await broker.ensureTopics([{ name: topic, partitions: 1 }])
      /** One unit for each, so that each can be deleted for itself. */
      const append = async (from: number, to: number) => {
        for (const value of numbers(from, to)) {
          const timestamp = expiring.timestampOf(Number(value))
          await broker.commit(unit('other', { outputs: [output(topic, { value: Buffer.from(value), timestamp })] }))
        }
      }
      return {
        append,
        read: (offset: bigint) => broker.read({ topic, partition: 0, offset }, 100),
        delete: (before: number) => expiring.delete(topic, before),
        subscribe: () =>
          broker.subscribe(group, [topic], {
            assigned: async (_, own) => void (member = own),
            revoked: async () => {},
          }),
        commit: (offset: number) =>
          broker.commit(
            unit(group, { ...(member && { member }), offsets: [{ topic, partition: 0, offset: BigInt(offset) }] }),
          ),
        rewind: (subscription: Subscription) => subscription.rewind({ topic, partition: 0 }),
      }
    }

    /** Batches until the offset is reached. */
    async function until(subscription: Subscription, offset: bigint, maxRecords = 100): Promise<Batch[]> {
      const signal = AbortSignal.timeout(20_000)
      const batches: Batch[] = []
      while ((batches.at(-1)?.next ?? -1n) < offset && !signal.aborted)
        batches.push(...(await subscription.poll({ maxRecords, signal })))
      return batches
    }
    const expired = (batches: readonly Batch[]) => batches.map(({ expired }) => expired ?? 0).reduce((a, b) => a + b, 0)
    const values = (batches: readonly Batch[]) => texts(batches.flatMap(({ records }) => records))

    it('not to a group that has never read', async () => {
      const { append, subscribe, ...own } = await setUp()
      await append(0, 6)
      await own.delete(3)
      const batches = await until(await subscribe(), 6n)
      expect([values(batches), expired(batches)]).toEqual([numbers(3, 6), 0])
    })

    it('while the group had no member', async () => {
      const { append, subscribe, commit, ...own } = await setUp()
      await append(0, 3)
      await commit(2)
      await append(3, 8)
      await own.delete(5)
      const subscription = await subscribe()
      const batches = await until(subscription, 8n, 2)
      expect([values(batches), expired(batches)]).toEqual([numbers(5, 8), 3])
      expect(batches[0]!.expired).toBe(3)
    })

    it('all that there were, as a batch without records', async () => {
      const { append, subscribe, commit, ...own } = await setUp()
      await append(0, 3)
      await commit(1)
      await own.delete(3)
      const batches = await until(await subscribe(), 3n)
      expect([values(batches), expired(batches)]).toEqual([[], 2])
    })

    it('again, to a member that goes back to what is committed', async () => {
      const { append, subscribe, commit, rewind, ...own } = await setUp()
      await append(0, 3)
      await commit(1)
      await append(3, 5)
      await own.delete(4)
      const subscription = await subscribe()
      expect(expired(await until(subscription, 5n))).toBe(3)
      rewind(subscription)
      const batches = await until(subscription, 5n)
      expect([values(batches), expired(batches)]).toEqual([['4'], 3])
      await commit(5)
      rewind(subscription)
      await append(5, 6)
      const after = await until(subscription, 6n)
      expect([values(after), expired(after)]).toEqual([['5'], 0])
    })

    it('to nobody who reads from an offset that is gone: that goes on at the first one kept', async () => {
      const { append, read, ...own } = await setUp()
      await append(0, 5)
      await own.delete(3)
      const batch = await read(1n)
      expect([texts(batch.records), batch.next]).toEqual([numbers(3, 5), 5n])
    })

    it('while a member reads', async () => {
      const { append, subscribe, commit, ...own } = await setUp()
      await append(0, 2)
      const subscription = await subscribe()
      expect(values(await until(subscription, 2n))).toEqual(numbers(0, 2))
      await commit(2)
      await append(2, 6)
      await own.delete(4)
      const batches = await until(subscription, 6n)
      // What a member fetched ahead of the deletion it still gives.
      const got = values(batches)
      expect(got.length + expired(batches)).toBe(4)
      expect(got.slice(-2)).toEqual(['4', '5'])
    })
  })
}
