import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../../src/broker/broker.ts'
import { decodeBatch, encodeBatches, type EncodedBatch } from '../../../src/broker/embedded/batch.ts'
import type { RawRecord, StoredRecord } from '../../../src/record/record.ts'

const bytes = (maxLength: number) => fc.option(fc.uint8Array({ maxLength }).map((array) => Buffer.from(array)))

const record: fc.Arbitrary<RawRecord> = fc.record({
  key: bytes(300),
  value: fc.oneof({ weight: 9, arbitrary: bytes(400) }, { weight: 1, arbitrary: fc.constant(Buffer.alloc(70_000, 1)) }),
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), bytes(200)), { maxLength: 5 }),
  timestamp: fc.integer({ min: 0, max: 8.64e15 }),
})

const decode = (batches: readonly EncodedBatch[], skip = 0, max = Infinity): StoredRecord[] => {
  let baseOffset = 0
  return batches.flatMap(({ bytes: content, firstTimestamp, count }) => {
    const place = { topic: 't', partition: 3, baseOffset, firstTimestamp }
    baseOffset += count
    return decodeBatch(content, place, skip, max)
  })
}

describe('a batch', () => {
  it('gives back every record as it was, with its place', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const placed = records.map((raw, n) => ({ ...raw, topic: 't', partition: 3, offset: BigInt(n) }))
        expect(decode([...encodeBatches(records)])).toEqual(placed)
      }),
    )
  })

  it('knows how many records it has, their first timestamp and their newest', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
        let from = 0
        for (const { count, firstTimestamp, maxTimestamp } of encodeBatches(records)) {
          const timestamps = records.slice(from, from + count).map(({ timestamp }) => timestamp)
          expect([firstTimestamp, maxTimestamp]).toEqual([timestamps[0], Math.max(...timestamps)])
          from += count
        }
        expect(from).toBe(records.length)
      }),
    )
  })

  it('is read from its middle', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 9 }), fc.nat(9), fc.nat(9), (records, skip, max) => {
        const [first] = encodeBatches(records)
        expect(decode([first!], skip, max)).toEqual(decode([first!]).slice(skip, skip + max))
      }),
    )
  })

  it('holds at most 64 KiB, unless a single record is larger', () => {
    const small = { key: null, value: Buffer.alloc(1_000), headers: [], timestamp: 0 }
    const large = { ...small, value: Buffer.alloc(100_000) }
    const batches = [...encodeBatches([...Array<RawRecord>(200).fill(small), large, small])]
    expect(batches.map(({ count }) => count)).toEqual([65, 65, 65, 5, 1, 1])
    for (const batch of batches) if (batch.count > 1) expect(batch.bytes.length).toBeLessThanOrEqual(65_536)
  })

  it('that was cut short is an error, never records made up', () => {
    const raw = { key: Buffer.from('key'), value: Buffer.from('value'), headers: [['h', null]], timestamp: 5 } as const
    const [batch] = encodeBatches([raw])
    for (let length = 1; length < batch!.bytes.length; length++) {
      const cut = { ...batch!, bytes: batch!.bytes.subarray(0, length) }
      expect(() => decode([cut])).toThrow(BrokerError)
    }
  })
})
