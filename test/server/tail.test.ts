import { describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import type { StoredRecord } from '../../src/record/record.ts'
import { tailOf } from '../../src/server/plots/tail.ts'

const record = (offset: number, bytes: number, partition = 0): StoredRecord => ({
  topic: 't',
  partition,
  offset: BigInt(offset),
  key: null,
  value: Buffer.alloc(bytes),
  headers: [],
  timestamp: 0,
})

/** A broker with these records, which notes how many it was asked for. */
function brokerOf(records: readonly StoredRecord[], committed = Infinity) {
  const asked: number[] = []
  const broker: Pick<Broker, 'read'> = {
    async read({ topic, partition, offset }, maxRecords) {
      asked.push(maxRecords)
      const all = records.filter((each) => each.partition === partition && each.offset >= offset)
      const found = all.filter((each) => each.offset < committed).slice(0, maxRecords)
      return { topic, partition, records: found, next: (found.at(-1)?.offset ?? offset - 1n) + 1n }
    },
  }
  return { broker, asked }
}

const offsets = (records: readonly StoredRecord[]) => records.map(({ offset }) => Number(offset))
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

describe('the tail of a topic', () => {
  it('is all of it where it is small', async () => {
    const { broker } = brokerOf(numbers(5, 40).map((offset) => record(offset, 1)))
    const tail = await tailOf(broker, 't', [{ partition: 0, start: 5n, end: 40n }], { records: 100, bytes: 1_000 })
    expect(offsets(tail.records)).toEqual(numbers(5, 40))
    expect(tail.cut).toBe(false)
  })

  it('is the newest records, up to so many', async () => {
    const { broker } = brokerOf(numbers(0, 2_000).map((offset) => record(offset, 1)))
    const tail = await tailOf(broker, 't', [{ partition: 0, start: 0n, end: 2_000n }], { records: 700, bytes: 10_000 })
    expect(offsets(tail.records)).toEqual(numbers(1_300, 2_000))
    expect(tail.cut).toBe(true)
  })

  it('is the newest records, up to so many bytes, and reads few of them at once where they are large', async () => {
    const { broker, asked } = brokerOf(numbers(0, 2_000).map((offset) => record(offset, 1_000)))
    const tail = await tailOf(broker, 't', [{ partition: 0, start: 0n, end: 2_000n }], {
      records: 5_000,
      bytes: 50_000,
    })
    expect(offsets(tail.records)).toEqual(numbers(1_950, 2_000))
    expect(tail.cut).toBe(true)
    expect(Math.max(...asked)).toBeLessThanOrEqual(34)
  })

  it('is shared by the partitions, and has at least one record of each', async () => {
    const records = [0, 1, 2].flatMap((partition) => numbers(0, 100).map((offset) => record(offset, 10, partition)))
    const { broker } = brokerOf(records)
    const partitions = [0, 1, 2].map((partition) => ({ partition, start: 0n, end: 100n }))
    const shared = await tailOf(broker, 't', partitions, { records: 30, bytes: 10_000 })
    expect(offsets(shared.records)).toEqual([...numbers(90, 100), ...numbers(90, 100), ...numbers(90, 100)])
    const least = await tailOf(broker, 't', partitions, { records: 1, bytes: 10_000 })
    expect(offsets(least.records)).toEqual([99, 99, 99])
  })

  it('goes over offsets without records, and ends where nothing is committed yet', async () => {
    const gaps = brokerOf([record(3, 1), record(60, 1), record(97, 1)])
    const partitions = [{ partition: 0, start: 0n, end: 100n }]
    const bounds = { records: 50, bytes: 1_000 }
    expect(offsets((await tailOf(gaps.broker, 't', partitions, bounds)).records)).toEqual([3, 60, 97])
    const open = brokerOf(
      numbers(0, 100).map((offset) => record(offset, 1)),
      90,
    )
    expect(offsets((await tailOf(open.broker, 't', partitions, bounds)).records)).toEqual(numbers(40, 90))
  })

  it('is nothing of a topic without records', async () => {
    const { broker, asked } = brokerOf([])
    const tail = await tailOf(broker, 't', [{ partition: 0, start: 7n, end: 7n }], { records: 5, bytes: 5 })
    expect(tail).toEqual({ records: [], cut: false })
    expect(asked).toEqual([])
  })
})
