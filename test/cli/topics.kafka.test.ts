import { expect, it } from 'vitest'
import { configsOf, createTopic, openAdmin } from '../support/kafka/admin.ts'
import { describeKafka, kafkaBrokers } from '../support/kafka/open.ts'
import { unique } from '../contract/broker/setting.ts'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'

interface Line {
  readonly name: string
  readonly exists: boolean
  readonly differences: readonly string[]
  readonly apply: readonly string[]
}

const pipeline = (name: string, options = ''): string => `
name: ${name}
broker: { kafka: { brokers: ["${kafkaBrokers.join('", "')}"] } }
sources:
  ${name}.in: { topic: {}, partitions: 3 }
${options}
streams:
  good: { from: ${name}.in, to: { topic: ${name}.out } }
`

async function topics(directory: string, ...words: string[]) {
  const { code, stdout, stderr } = await runOxbow(directory, ['topics', 'a.yaml', '--json', ...words])
  expect(stderr).toBe('')
  return { code, lines: jsonLines(stdout) as Line[] }
}

describeKafka('oxbow topics, on Kafka', () => {
  it('creates what is missing as it is needed, and then finds nothing to do', async () => {
    const name = unique('topics')
    const directory = makeDirectory({ 'a.yaml': pipeline(name) })
    const admin = await openAdmin()
    await createTopic(admin, `${name}.in`, { 'max.message.bytes': '5000000' }, 3)

    const before = await topics(directory)
    expect(before.code).toBe(0)
    expect(before.lines.map(({ name, exists }) => [name, exists])).toEqual([
      [`${name}.in`, true],
      [`${name}.out`, false],
      [`dlq.${name}.in`, false],
      [`dlq.${name}.in-ledger`, false],
      [`${name}-${name}.in-redrive`, false],
      [`${name}-changelog`, false],
    ])
    const applied = await topics(directory, '--apply')
    expect(applied.code).toBe(0)
    expect(applied.lines.flatMap(({ differences }) => differences)).toEqual([])

    const keys = ['cleanup.policy', 'retention.ms', 'max.message.bytes']
    expect(await configsOf(admin, `dlq.${name}.in`, keys)).toEqual({
      'cleanup.policy': 'delete',
      'retention.ms': '604800000',
      'max.message.bytes': String(5_000_000 + 65_536),
    })
    // It may have to hold what comes by the lane, whose records have more headers.
    expect(await configsOf(admin, `${name}-changelog`, ['cleanup.policy', 'max.message.bytes'])).toEqual({
      'cleanup.policy': 'compact',
      'max.message.bytes': String(2 * (5_000_000 + 65_536) + 65_536),
    })
    const { topics: made } = await admin.fetchTopicMetadata({ topics: [`${name}-changelog`] })
    expect(made[0]!.partitions).toHaveLength(3)
    expect(await topics(directory, '--apply')).toEqual(applied)
  })

  it('leaves what would lose records or move keys, and says so; retention is shortened when that is asked for', async () => {
    const name = unique('topics')
    const directory = makeDirectory({ 'a.yaml': pipeline(name) })
    const admin = await openAdmin()
    await createTopic(admin, `${name}.in`, {}, 2)
    await createTopic(admin, `dlq.${name}.in`, { 'cleanup.policy': 'compact', 'max.message.bytes': '1000' })
    await createTopic(admin, `${name}-changelog`, { 'cleanup.policy': 'delete' })
    await createTopic(admin, `${name}.out`, { 'retention.ms': '-1' })
    for (const topic of [`${name}.in`, `dlq.${name}.in`, `${name}-changelog`])
      await runOxbow(directory, ['produce', topic, '--kafka', kafkaBrokers.join(',')], '{"key":"k","value":{"a":1}}\n')

    const { code, lines } = await topics(directory, '--apply')
    expect(code).toBe(1)
    expect(Object.fromEntries(lines.map(({ name, differences }) => [name, differences]))).toEqual({
      [`${name}.in`]: ['has 2 partitions, the config says 3'],
      [`${name}.out`]: [],
      [`dlq.${name}.in-ledger`]: [],
      [`${name}-${name}.in-redrive`]: [],
      [`dlq.${name}.in`]: ['keeps records for ever, the config says 7d', expect.stringMatching(/^is compacted/)],
      [`${name}-changelog`]: [expect.stringMatching(/^is not compacted/)],
    })
    for (const { apply } of lines) for (const text of apply) expect(text).toMatch(/^leaves it: /)
    expect(await configsOf(admin, `dlq.${name}.in`, ['cleanup.policy', 'max.message.bytes'])).toEqual({
      'cleanup.policy': 'compact',
      'max.message.bytes': String(1_048_588 + 65_536),
    })
    const { topics: made } = await admin.fetchTopicMetadata({ topics: [`${name}.in`] })
    expect(made[0]!.partitions).toHaveLength(2)

    await topics(directory, '--apply', '--shorten')
    expect(await configsOf(admin, `dlq.${name}.in`, ['retention.ms'])).toEqual({ 'retention.ms': '604800000' })
  })

  it('keeps a pipeline from running on a compacted dead-letter topic', async () => {
    const name = unique('topics')
    const directory = makeDirectory({ 'a.yaml': pipeline(name) })
    const admin = await openAdmin()
    await createTopic(admin, `dlq.${name}.in`, { 'cleanup.policy': 'compact' })
    await runOxbow(
      directory,
      ['produce', `dlq.${name}.in`, '--kafka', kafkaBrokers.join(',')],
      '{"key":"k","value":{"a":1}}\n',
    )
    const { code, stderr } = await runOxbow(directory, ['run', 'a.yaml', '--until-idle', '--no-http'])
    expect(code).toBe(1)
    expect(stderr).toContain(`Topic dlq.${name}.in is compacted and has records`)
  })
})
