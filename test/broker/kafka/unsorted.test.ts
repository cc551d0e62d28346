import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { StateChange } from '../../../src/broker/broker.ts'
import { changesIn, PackedChanges } from '../../../src/broker/kafka/changeRecord.ts'
import { decodeBatches, encodeBatch } from '../../../src/broker/kafka/recordBatch.ts'
import { Unsorted } from '../../../src/broker/kafka/unsorted.ts'

const producer = { producerId: -1n, epoch: -1, sequence: -1, transactional: false }

const change = fc.record({
  store: fc.constantFrom('counts', 'counts/2', '$shape'),
  key: fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', 'ü', 'a\0b'), fc.string({ maxLength: 12 })),
  value: fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 9 }).map(Buffer.from)),
})
const units = fc.array(
  fc.record({
    task: fc.constantFrom('0', '0.1', 'feeds'),
    changes: fc.array(change, { minLength: 1, maxLength: 30, size: 'max' }),
    compression: fc.constantFrom('none', 'gzip', 'zstd' as const),
  }),
  { minLength: 1, maxLength: 12 },
)

/** The last value of each key. */
const lastOf = (all: readonly (readonly [string, readonly StateChange[]])[]): Map<string, string | null> =>
  new Map(
    all.flatMap(([task, changes]) =>
      changes.map(({ store, key, value }) => [`${task}\0${store}\0${key}`, value && value.toString('hex')] as const),
    ),
  )

it('records are given once, the last of each key, in the order of their keys', () => {
  fc.assert(
    fc.property(units, fc.nat(3), (written, from) => {
      const unsorted = new Unsorted(1)
      const expected = new Map<string, string | null>()
      for (const { task, changes, compression } of written) {
        const { records } = new PackedChanges(task, changes, 1_000)
        const [batch] = decodeBatches(encodeBatch(records, producer, compression))
        const own = [...batch!.records(from, 'changelog', 0)]
        for (const [name, value] of lastOf([...changesIn(own)])) expected.set(name, value)
        const added = unsorted.add({
          count: batch!.count,
          records: () => own,
          locate: (found) => batch!.locate(from, found),
        })
        expect(added).toBe(own.length)
      }
      const given = [...unsorted.take()].flatMap((changes) => [...changes])
      const names = given.flatMap(([task, own]) => own.map(({ store, key }) => `${task}\0${store}\0${key}`))
      expect(lastOf(given)).toEqual(expected)
      expect(names).toHaveLength(expected.size)
      expect(names).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
      expect(unsorted.isFull).toBe(false)
      expect([...unsorted.take()].flatMap((changes) => [...changes])).toEqual([])
    }),
  )
})
