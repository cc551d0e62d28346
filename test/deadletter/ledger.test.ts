import { expect, test } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { countLetters } from '../../src/deadletter/ledger.ts'

test('letters are counted over partitions, with the oldest of them; a topic that is not there has none', async () => {
  const partitions = [
    { partition: 0, start: 2n, end: 5n, oldest: 70 },
    { partition: 1, start: 4n, end: 4n },
    { partition: 2, start: 0n, end: 1n, oldest: 60 },
  ]
  const broker = { topics: () => Promise.resolve([{ name: 'dlq.a', partitions }]) }
  const none = { redriving: 0, resolved: 0, discarded: 0 }
  expect(await countLetters(broker, ['dlq.b', 'dlq.a'])).toEqual([
    { topic: 'dlq.b', open: 0, retained: 0, written: 0, ...none },
    { topic: 'dlq.a', open: 4, retained: 4, written: 10, oldest: 60, ...none },
  ])
})

test('what was counted of the letters says how many are open, for offsets count the markers of transactions too', async () => {
  const partitions = [{ partition: 0, start: 0n, end: 9n, oldest: 70 }]
  const broker = { topics: () => Promise.resolve([{ name: 'dlq.a', partitions }]) }
  const counted = async (written: number, closed: number) =>
    (await countLetters(broker, ['dlq.a'], new Map([['dlq.a', { written, closed }]])))[0]
  expect(await counted(6, 1)).toMatchObject({ open: 5, retained: 9, written: 6 })
  expect(await counted(40, 2)).toMatchObject({ open: 9, retained: 9, written: 40 })
})

test('no other topics are looked at: a cluster has many, and not all may be read', async () => {
  const broker = await openEmbedded({ directory: ':memory:' })
  const asked: (readonly string[] | undefined)[] = []
  const topics = (names?: readonly string[]) => (asked.push(names), broker.topics(names))
  await broker.ensureTopics([{ name: 'dlq.a' }, { name: 'a' }])
  expect(await countLetters({ topics }, ['dlq.a'])).toMatchObject([{ topic: 'dlq.a', open: 0 }])
  expect(asked).toEqual([['dlq.a']])
  await broker.close()
})
