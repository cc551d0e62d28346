import { expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { lastRecordOf } from '../../src/cli/dlq/lastRecord.ts'
import type { StoredRecord } from '../../src/record/record.ts'
import { append, output } from '../support/pipeline.ts'

const recordAt = (offset: bigint): StoredRecord => {
  return { topic: 't', partition: 0, offset, key: null, value: null, headers: [], timestamp: 5 }
}

/** Reads as Kafka does where each record is as large as a read may be, and at other offsets are markers or aborted records. */
const largeAt = (offsets: readonly bigint[], end: bigint): Pick<Broker, 'read'> => ({
  async read({ offset, ...place }) {
    const found = offsets.find((each) => each >= offset)
    const next = found === undefined ? end : found + 1n
    return { ...place, next, records: found === undefined ? [] : [recordAt(found)] }
  },
})

it.each([
  ['at the end', [0n, 1n, 2n], 3n],
  ['behind which markers stand', [0n, 1n, 2n], 12n],
  ['between markers', [0n, 3n, 5n], 8n],
])('the last record of a partition is found where none but one fits into a read: %s', async (_, offsets, end) => {
  const info = { partition: 0, start: 0n, end }
  expect(await lastRecordOf(largeAt(offsets, end) as Broker, 't', info)).toEqual(recordAt(offsets.at(-1)!))
})

it('there is none where there are only markers', async () => {
  expect(await lastRecordOf(largeAt([], 9n) as Broker, 't', { partition: 0, start: 3n, end: 9n })).toBeUndefined()
})

it('it is found behind others that are larger than a read together', async () => {
  const broker = await openEmbedded({ directory: ':memory:' })
  onTestFinished(() => broker.close())
  const large = Buffer.alloc(9_000_000)
  for (const key of ['a', 'b']) await append(broker, [output('t', large, { key: Buffer.from(key) })])
  const [info] = await broker.topics(['t'])
  expect((await lastRecordOf(broker, 't', info!.partitions[0]!))!.offset).toBe(1n)
})
