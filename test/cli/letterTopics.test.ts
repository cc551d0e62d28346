import { expect, it, onTestFinished } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { findLetterTopics } from '../../src/cli/dlq/letterTopics.ts'
import type { Header } from '../../src/record/record.ts'
import { append, output } from '../support/pipeline.ts'

const facts: readonly Header[] = [['__connect.errors.topic', Buffer.from('orders')]]

it('dead-letter topics are found by their names and by what they hold, with one read a topic at most', async () => {
  const broker = await openEmbedded({ directory: ':memory:' })
  onTestFinished(() => broker.close())
  const topics = ['dlq.orders', 'connect.failed', 'orders', 'empty'].map((name) => ({ name, partitions: 50 }))
  await broker.ensureTopics([...topics, { name: 'dlq.orders-ledger' }])
  await append(
    broker,
    Array.from({ length: 50 }, (_, partition) => [
      output('orders', {}, { partition }),
      ...(partition > 3 ? [output('connect.failed', {}, { partition, headers: facts })] : []),
    ]).flat(),
  )
  let [listed, read] = [0, 0]
  const found = await findLetterTopics({
    ...broker,
    topics: (names) => (listed++, broker.topics(names)),
    read: (from, most) => (read++, broker.read(from, most)),
  })
  expect(found).toEqual([
    { topic: 'connect.failed', source: 'orders' },
    { topic: 'dlq.orders', source: 'orders' },
  ])
  expect([listed, read]).toEqual([1, 2])
})
