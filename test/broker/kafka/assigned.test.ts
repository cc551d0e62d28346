import { expect, it } from 'vitest'
import { AssignedPartition } from '../../../src/broker/kafka/assigned.ts'
import type { Fetched } from '../../../src/broker/kafka/reader.ts'
import type { StoredRecord } from '../../../src/record/record.ts'

const place = { topic: 't', partition: 0 }

const recordsFrom = (from: number, to: number): StoredRecord[] =>
  Array.from({ length: to - from }, (_, n) => {
    return { ...place, offset: BigInt(from + n), key: null, value: null, headers: [], timestamp: 0 }
  })

const fetched = (from: number, to: number): Fetched => {
  const records = recordsFrom(from, to)
  return {
    ...place,
    batches: [{ count: records.length, records: () => records, locate: () => {} }],
    next: to,
    highWatermark: to,
    size: 1,
  }
}
const moved = (next: number): Fetched => ({ ...place, batches: [], next, highWatermark: -1, size: 0, moved: true })

const taken = ({ records, next, expired }: ReturnType<AssignedPartition['take']>) => [
  records.map(({ offset }) => Number(offset)),
  Number(next),
  expired,
]

it('what was fetched before a gap is given, and the gap is told when it is passed', () => {
  const own = new AssignedPartition(place, 0, 0)
  own.keep(fetched(0, 3), 0)
  own.keep(moved(10), 3)
  own.keep(fetched(10, 12), 10)
  expect(taken(own.take(2))).toEqual([[0, 1], 2, undefined])
  expect(taken(own.take(9))).toEqual([[2, 10, 11], 12, 7])
  expect(own.ready).toBe(false)
})

it('a gap before the end is given as a batch of no records', () => {
  const own = new AssignedPartition(place, 4, 9)
  expect(own.ready).toBe(true)
  expect(taken(own.take(9))).toEqual([[], 9, 5])
  expect(own.ready).toBe(false)
})

it('a group that never committed begins at the start of the log, and missed nothing', () => {
  const own = new AssignedPartition(place, undefined, 9)
  expect([own.ready, own.position]).toEqual([false, 9])
})

it('the answer of a second node to the same question is not given again', () => {
  const own = new AssignedPartition(place, 0, 0)
  own.keep(fetched(0, 3), 0)
  own.keep(fetched(0, 5), 0)
  expect(taken(own.take(9))).toEqual([[0, 1, 2], 3, undefined])
})

it('a log that was made again is read from its start, and nothing of it counts as deleted', () => {
  const own = new AssignedPartition(place, 50, 0)
  own.keep(moved(0), 50)
  own.keep(fetched(0, 2), 0)
  expect(taken(own.take(9))).toEqual([[0, 1], 2, undefined])
})

it('nothing waits when all was given, though its first batch counts records before the position', () => {
  const own = new AssignedPartition(place, 2, 0)
  const whole = fetched(2, 5)
  own.keep({ ...whole, batches: [{ count: 5, records: () => recordsFrom(2, 5), locate: () => {} }] }, 2)
  expect(taken(own.take(3))).toEqual([[2, 3, 4], 5, undefined])
  expect([own.ready, own.waiting]).toEqual([false, 0])
})
