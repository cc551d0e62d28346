import { expect, onTestFinished, test } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import { follow } from '../../../src/deadletter/ledger/follow.ts'
import { LetterIndex } from '../../../src/deadletter/ledger/letterIndex.ts'
import { output } from '../../support/pipeline.ts'

const topics = Array.from({ length: 40 }, (_, n) => `dlq.${n}`)

/** A broker, and an index that knows nothing of it yet; both end with the test. */
async function open() {
  const broker = await openEmbedded({ directory: ':memory:' })
  const index = new LetterIndex()
  onTestFinished(async () => {
    index.close()
    await broker.close()
  })
  return { broker, index }
}

test('of many partitions that end in open transactions one is waited for, not each, and the others are read as far as they go', async () => {
  const { broker, index } = await open()
  await broker.ensureTopics(topics.map((name) => ({ name, partitions: 1 })))
  const outputs = topics.flatMap((topic) => [output(topic, { n: 1 }), output(topic, { n: 2 })])
  await broker.commit({ group: 'test', task: '', outputs, offsets: [], state: [], counts: [] })
  let [waiting, running, atOnce] = [0, 0, 0]
  /** As Kafka does where the last record of every partition but that of one topic is of a transaction that somebody left open. */
  const behind: Pick<Broker, 'topics' | 'read'> = {
    topics: (names) => broker.topics(names),
    read: async (from, most, how) => {
      if (how?.waits !== false) waiting++
      atOnce = Math.max(atOnce, ++running)
      await new Promise(setImmediate)
      running--
      if (from.topic === 'dlq.7') return broker.read(from, most)
      return from.offset > 0n ? { ...from, records: [], next: from.offset } : broker.read(from, 1)
    },
  }
  await follow(behind, index, topics)
  expect(topics.map((topic) => index.place(topic, 0).next)).toEqual(topics.map((topic) => (topic === 'dlq.7' ? 2 : 1)))
  expect(waiting).toBe(1)
  expect(atOnce).toBeGreaterThan(1)

  await follow(broker, index, topics)
  expect(topics.map((topic) => index.place(topic, 0).next)).toEqual(topics.map(() => 2))
})

test('a topic that is made anew while it is followed is followed no further, and from its start the next time', async () => {
  const { broker, index } = await open()
  const [topic] = topics as [string]
  await broker.ensureTopics([{ name: topic, partitions: 1 }])
  const outputs = [1, 2, 3].map((n) => output(topic, { n }))
  await broker.commit({ group: 'test', task: '', outputs, offsets: [], state: [], counts: [] })
  await follow(broker, index, [topic])

  /** It was told that there is more; by the time it reads, there is a topic without records. */
  const anew: Pick<Broker, 'topics' | 'read'> = {
    topics: async (names) =>
      (await broker.topics(names)).map((info) => ({ ...info, partitions: [{ partition: 0, start: 0n, end: 9n }] })),
    read: async (from) => ({ ...from, records: [], next: 0n }),
  }
  await follow(anew, index, [topic])
  expect(index.place(topic, 0).next).toBe(3)
})
