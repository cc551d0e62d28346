import { expect, test } from 'vitest'
import { jsonLines, makeDirectory, runOxbow } from '../cli/oxbow.ts'
import { describeKafka, kafkaBrokers } from '../support/kafka/open.ts'
import { createTopics, produce, readCommitted, uniqueName } from '../support/kafka/records.ts'

interface Call {
  readonly key: string
  readonly n: number
  readonly from: number
  readonly to: number
}

const slow = `import { setTimeout } from 'node:timers/promises'
export default async function ask(record) {
  const from = performance.now()
  await setTimeout(50)
  return { ...record, from, to: performance.now() }
}
`
const records = 640
const keys = 64

describeKafka('concurrency', { timeout: 120_000 }, () => {
  test('32 calls run at once on one partition, those of a key one after another and in order', async () => {
    const name = uniqueName('concurrency')
    await createTopics(1, `${name}.in`, `${name}.out`)
    const config = `name: ${name}
broker: { kafka: { brokers: ${JSON.stringify(kafkaBrokers)} } }
sources: { ${name}.in: { topic: {} } }
streams:
  s:
    from: ${name}.in
    steps: [{ use: { file: ./ask.ts, concurrency: 32 } }]
    to: { topic: ${name}.out }
`
    const values = Array.from({ length: records }, (_, n) => ({ key: `k${n % keys}`, n }))
    await produce(
      `${name}.in`,
      1,
      values.map((value) => ({ key: value.key, value })),
    )
    const directory = makeDirectory({ 'slow.yaml': config, 'ask.ts': slow })
    const { code, stdout, stderr } = await runOxbow(directory, [
      'run',
      'slow.yaml',
      '--until-idle',
      '--no-http',
      '--json',
    ])
    expect([code, jsonLines(stdout)], stderr).toMatchObject([0, [{ read: records, emitted: records }]])

    const calls = (await readCommitted(`${name}.out`, 1)) as Call[]
    expect(calls).toHaveLength(records)
    for (const own of Map.groupBy(calls, ({ key }) => key).values()) {
      expect(own.map(({ n }) => n)).toEqual(own.map(({ n }) => n).toSorted((a, b) => a - b))
      for (const [at, { from }] of own.entries()) expect(from).toBeGreaterThanOrEqual(own[at - 1]?.to ?? 0)
    }
    const atOnce = Math.max(
      ...calls.map(({ from }) => calls.filter((other) => other.from <= from && from < other.to).length),
    )
    expect(atOnce).toBe(32)
    const wall = Math.max(...calls.map(({ to }) => to)) - Math.min(...calls.map(({ from }) => from))
    expect(wall).toBeLessThan((records * 50) / 4)
  })
})
