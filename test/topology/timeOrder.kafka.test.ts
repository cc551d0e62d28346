import { expect, onTestFinished, test } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { join } from '../../src/operators/join.ts'
import { keyBy } from '../../src/operators/keyBy.ts'
import { describeKafka, openTestKafka } from '../support/kafka/open.ts'
import { uniqueName } from '../support/kafka/records.ts'
import { append, catalogWith, output, startPipeline } from '../support/pipeline.ts'

const catalog = catalogWith({ operators: [join, keyBy] })
const count = 2_500
const valueOf = (n: number) => ({ n, key: `k${n % 100}` })

const valuesIn = async (broker: Broker, topic: string): Promise<unknown[]> => {
  const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 2 * count)
  return records.map(({ value }) => JSON.parse(String(value)))
}

describeKafka('a backlog of two topics on Kafka', { timeout: 60_000 }, () => {
  test.each([
    ['as it is', ''],
    ['by a new key of one of them', '{ keyBy: record.key }'],
  ])('is joined in the order of time, %s', async (_, steps) => {
    const broker = await openTestKafka('exactlyOnce')
    onTestFinished(() => broker.close())
    const name = uniqueName('order')
    const topics = ['clicks', 'shown', 'out'].map((topic) => `${name}.${topic}`)
    const [clicks, shown, out] = topics
    await broker.ensureTopics(topics.map((topic) => ({ name: topic, partitions: 1 })))
    const from = Date.now() - 10 * count
    const of = (topic: string, late: number) =>
      Array.from({ length: count }, (__, n) =>
        output(topic, valueOf(n), { key: Buffer.from(valueOf(n).key), timestamp: from + 10 * n + late }),
      )
    await append(broker, of(clicks!, 5))
    await append(broker, of(shown!, 0))
    const { pipeline } = await startPipeline(
      `
name: ${name}
sources: { ${clicks}: { topic: {} }, ${shown}: { topic: {} } }
streams:
  others: { from: ${shown}, steps: [${steps}] }
  met:
    from: ${clicks}
    steps: [{ join: { stream: others, within: { before: 5ms, after: 0s }, grace: 1ms, type: left, as: other } }]
    to: { topic: ${out} }
`,
      catalog,
      { broker },
    )
    await pipeline.quiet()
    const expected = Array.from({ length: count }, (__, n) => ({ ...valueOf(n), other: valueOf(n) }))
    expect(await valuesIn(broker, out!)).toEqual(expected)
  })
})
