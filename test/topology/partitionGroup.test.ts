import { expect, it } from 'vitest'
import type { Batch } from '../../src/broker/broker.ts'
import { PartitionGroup } from '../../src/topology/partitionGroup.ts'

const inputs = ['a', 'b'].map((topic) => ({ topic, partition: 3 }))
const group = () =>
  new PartitionGroup(
    inputs,
    ({ topic }) => (topic === 'a' ? 7n : undefined),
    ({ timestamp }) => timestamp,
  )

const batch = (topic: string, from: number, timestamps: readonly number[], more: Partial<Batch> = {}): Batch => {
  const records = timestamps.map((timestamp, n) => ({
    topic,
    partition: 3,
    offset: BigInt(from + n),
    timestamp,
    key: null,
    value: null,
    headers: [],
  }))
  return { topic, partition: 3, records, next: BigInt(from + timestamps.length), ...more }
}

const namesOf = ({ records }: ReturnType<PartitionGroup['take']>) =>
  records.map(({ topic, offset }) => `${topic}${offset}`).join(' ')

it('takes what is first in time, of equal times that of the earlier input, until one has none left', () => {
  const own = group()
  own.add(batch('b', 0, [1, 3, 4]))
  own.add(batch('a', 7, [3, 4, 9]))
  const first = own.take()
  expect(namesOf(first)).toBe('b0 a7 b1 a8 b2')
  expect(first.passed).toEqual([
    { topic: 'a', partition: 3, next: 9n },
    { topic: 'b', partition: 3, next: 3n },
  ])
  expect(own.missing).toEqual(['b'])
  expect(namesOf(own.take())).toBe('a9')
  expect([own.any, own.missing]).toEqual([false, ['a', 'b']])
})

it('keeps the order of each input, whatever its times are: the one that comes next decides', () => {
  const own = group()
  own.add(batch('a', 7, [5, 1, 6]))
  own.add(batch('b', 0, [2, 5, 7]))
  expect(namesOf(own.take())).toBe('b0 a7 a8 b1 a9')
})

it('passes what nobody is given with the last records before it, and tells what was deleted once', () => {
  const own = group()
  own.add(batch('a', 9, [1, 5], { next: 14n, expired: 2 }))
  own.add(batch('b', 0, [3]))
  expect(own.take().passed).toEqual([
    { topic: 'a', partition: 3, next: 10n, expired: 2 },
    { topic: 'b', partition: 3, next: 1n },
  ])
  expect(own.take().passed).toEqual([{ topic: 'a', partition: 3, next: 14n }])
})

it('says where inputs go on after what came of them', () => {
  const own = group()
  expect(own.received).toEqual([{ topic: 'a', partition: 3, offset: 7n }])
  own.add(batch('b', 0, [], { next: 2n }))
  own.add(batch('a', 7, [1]))
  expect(own.received.map(({ topic, offset }) => [topic, offset])).toEqual([
    ['a', 8n],
    ['b', 2n],
  ])
  expect(own.missing).toEqual(['b'])
})
