import { expect, it } from 'vitest'
import { createTopic, openAdmin } from '../support/kafka/admin.ts'
import { describeKafka, kafkaBrokers } from '../support/kafka/open.ts'
import { unique } from '../contract/broker/setting.ts'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'

const brokers = `["${kafkaBrokers.join('", "')}"]`

const pipeline = (name: string, kafka = ''): string => `name: ${name}
broker: { kafka: { brokers: ${brokers}${kafka} } }
sources:
  ${name}.in: { topic: {}, partitions: 2 }
deadLetters: { retention: 7d }
streams:
  good: { from: ${name}.in, to: { topic: ${name}.out } }
`

async function check(config: string) {
  const directory = makeDirectory({ 'a.yaml': config })
  const { code, stdout, stderr } = await runOxbow(directory, ['check', 'a.yaml', '--broker'])
  return { code, stdout, lines: stderr.split('\n').filter((line) => line !== '') }
}

describeKafka('oxbow check --broker', () => {
  it('is content with topics as Oxbow makes them', async () => {
    const name = unique('check')
    const directory = makeDirectory({ 'a.yaml': pipeline(name) })
    await runOxbow(directory, ['topics', 'a.yaml', '--apply'])
    const { code, stdout, stderr } = await runOxbow(directory, ['check', 'a.yaml', '--broker'])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'a.yaml: ok\n', stderr: '' })
  })

  it('only warns of a source that is missing', async () => {
    const name = unique('check')
    const { code, stdout, lines } = await check(pipeline(name))
    expect([code, stdout]).toEqual([0, 'a.yaml: ok\n'])
    expect(lines).toEqual([
      `a.yaml:4:${name.length + 8}: warning: topic \`${name}.in\` is not there, and will be created empty; is that its name?`,
    ])
  })

  it('finds all that would harm the error path, in one run, each at its place in the config', async () => {
    const name = unique('check')
    const admin = await openAdmin()
    await createTopic(admin, `${name}.in`, {
      'max.message.bytes': '3000000',
      'message.timestamp.after.max.ms': '9000000',
    })
    await createTopic(admin, `${name}.out`, { 'message.timestamp.after.max.ms': '3600000' })
    await createTopic(admin, `dlq.${name}.in`, {
      'cleanup.policy': 'compact,delete',
      'retention.ms': '3600000',
      'retention.bytes': '50000000',
    })
    await createTopic(admin, `${name}-changelog`, { 'cleanup.policy': 'delete', 'min.insync.replicas': '2' })

    const { code, stdout, lines } = await check(
      pipeline(name, ', timeouts: { session: 31m, heartbeat: 32m, transaction: 16m }'),
    )
    expect([code, stdout]).toEqual([2, ''])
    const expected = [
      [
        '1:7',
        `topic \`${name}-changelog\`: is not compacted (old records are deleted), and must be; \`oxbow topics a.yaml --apply\` mends it`,
      ],
      [
        '1:7',
        `topic \`${name}-changelog\`: takes batches of 1048588 bytes, 6196608 are needed; what is kept of the largest record`,
      ],
      ['1:7', `topic \`${name}-changelog\`: has 1 replica, but min.insync.replicas 2: nothing can ever be written`],
      ['2:', 'a transaction may take 16m, but the brokers allow 15m'],
      ['2:', 'a session of 31m is refused: the brokers allow'],
      ['2:', 'a heartbeat every 32m comes too late for a session of 31m'],
      ['4:', `topic \`${name}.in\`: has 1 partition, the config says 2`],
      ['4:', `topic \`dlq.${name}.in\`: is compacted`],
      [
        '4:',
        `topic \`dlq.${name}.in\`: takes batches of 1048588 bytes, 3065536 are needed; a letter of the largest record`,
      ],
      ['5:', `topic \`dlq.${name}.in\`: keeps records 1h, the config says 7d; letters would be gone before that`],
      ['5:', `warning: topic \`dlq.${name}.in\`: each partition keeps 50,000,000 bytes at most (retention.bytes)`],
      ['7:', `warning: topic \`${name}.out\` refuses records dated more than 1h ahead`],
      ['7:', `warning: topic \`${name}.out\` takes batches of 1048588 bytes, a source 3000000`],
    ] as const
    for (const [place, text] of expected) {
      const found = lines.find((line) => line.startsWith(`a.yaml:${place}`) && line.includes(`: ${text}`))
      expect(found, `${text}\nin\n${lines.join('\n')}`).toBeDefined()
    }
    expect(lines).toHaveLength(expected.length)
  })

  it('has the cluster say whether it would create what is missing', async () => {
    const name = unique('check')
    const { code, lines } = await check(pipeline(name, ', replication: 99'))
    expect(code).toBe(2)
    expect(lines.join('\n')).toContain(
      `topic \`dlq.${name}.in\` is missing and cannot be created: the cluster has not so many nodes; say less in \`replication\``,
    )
  })

  it('--json tells mistakes and warnings apart', async () => {
    const name = unique('check')
    const directory = makeDirectory({ 'a.yaml': pipeline(name) })
    const { stdout } = await runOxbow(directory, ['check', 'a.yaml', '--broker', '--json'])
    expect(jsonLines(stdout)).toEqual([
      { file: 'a.yaml', ok: true, problems: [], warnings: [expect.objectContaining({ line: 4 })] },
    ])
  })
})
