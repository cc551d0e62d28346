import { expect, test } from 'vitest'
import { describeKafka, kafkaBrokers } from '../support/kafka/open.ts'
import { createTopics, produce, readCommitted, standing, uniqueName } from '../support/kafka/records.ts'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'
import { makeScene, numbers, partitions, Replica } from './scale.ts'

interface Result {
  readonly n: number
  readonly thread: number
}

const sorted = (values: readonly unknown[]): number[] =>
  (values as Result[]).map(({ n }) => n).toSorted((a, b) => a - b)

describeKafka('run --threads', { timeout: 120_000 }, () => {
  test('until idle, two threads produce everything once', async () => {
    const { directory, group, input, output } = await makeScene('10s')
    await produce(input, partitions, numbers(4_000))
    const words = ['run', 'scale.yaml', '--threads', '2', '--until-idle', '--no-http', '--json']
    const { code, stdout, stderr } = await runOxbow(directory, words)
    expect([code, jsonLines(stdout)], stderr).toMatchObject([0, [{ read: 4_000, emitted: 4_000, inFlight: 0 }]])
    expect(sorted(await readCommitted(output, partitions))).toEqual(numbers(4_000).map(({ value }) => value.n))
    expect(await standing(group, input)).toEqual(Array(partitions).fill({ committed: '1000', end: '1000' }))
  })

  test('the threads share the partitions, describe tells who has which, and SIGTERM leaves nothing uncommitted', async () => {
    const scene = await makeScene('10s')
    const replica = new Replica(scene, '--threads', '2')
    await replica.has(2, 2)
    const described = await runOxbow(scene.directory, ['describe', 'scale.yaml', '--live', '--format', 'json'])
    const { live } = JSON.parse(described.stdout) as {
      live: { partitions: { topic: string; member: { clientId: string } }[] }
    }
    const own = live.partitions.filter(({ topic }) => topic === scene.input) // The lane beside it goes along.
    const clients = own.map(({ member }) => member.clientId.split('-').at(-1))
    expect(clients.toSorted()).toEqual(['1', '1', '2', '2'])

    await produce(scene.input, partitions, numbers(4_000))
    await replica.commits()
    const { code, stdout } = await replica.end('SIGTERM')
    expect(code, replica.log).toBe(0)
    const [row] = jsonLines(stdout) as { read: number; emitted: number }[]

    const rest = await runOxbow(scene.directory, ['run', 'scale.yaml', '--until-idle', '--no-http', '--json'])
    expect(jsonLines(rest.stdout)).toMatchObject([{ read: 4_000, emitted: 4_000 }])
    const results = (await readCommitted(scene.output, partitions)) as Result[]
    expect(sorted(results)).toEqual(numbers(4_000).map(({ value }) => value.n))
    const byThreads = results.filter(({ thread }) => thread > 0)
    expect(byThreads).toHaveLength(row!.emitted)
    expect(new Set(byThreads.map(({ thread }) => thread)).size).toBe(2)
  })

  test('a thread that dies is replaced, and nothing is lost or doubled', async () => {
    const dies = `import { existsSync, writeFileSync } from 'node:fs'
export default async function work(record) {
  if (record.n === 500 && !existsSync(new URL('died', import.meta.url))) {
    writeFileSync(new URL('died', import.meta.url), '')
    process.exit(3)
  }
  return record
}
`
    const scene = await makeScene('6s', dies)
    const replica = new Replica(scene, '--threads', '2')
    await replica.has(2, 2)
    await produce(scene.input, partitions, numbers(2_000))
    await replica.started.printed('has died')
    expect(replica.log).toMatch(/"level":"error".*Thread [12] has died.*exit code 3/)
    await replica.has(2, 2)
    const again = await runOxbow(scene.directory, ['run', 'scale.yaml', '--until-idle', '--no-http', '--json'])
    expect(again.code, again.stderr).toBe(0)
    expect((await replica.end('SIGTERM')).code, replica.log).toBe(0)
    expect(sorted(await readCommitted(scene.output, partitions))).toEqual(numbers(2_000).map(({ value }) => value.n))
  })

  test('until idle waits for the partitions of another replica that is killed meanwhile', async () => {
    const scene = await makeScene('6s')
    const replica = new Replica(scene)
    await replica.has(4)
    const idle = new Replica(scene, '--threads', '2', '--until-idle')
    await produce(scene.input, partitions, numbers(8_000))
    await replica.commits()
    await replica.end('SIGKILL')
    const { code, stdout, stderr } = await idle.started.ended
    expect([code, jsonLines(stdout)], stderr).toMatchObject([0, [{ read: 8_000, emitted: 8_000, inFlight: 0 }]])
    expect(sorted(await readCommitted(scene.output, partitions))).toEqual(numbers(8_000).map(({ value }) => value.n))
  })

  test('what a thread logs comes out with the rest, its secrets masked', async () => {
    const name = uniqueName('logging')
    await createTopics(1, `${name}.in`)
    const config = `name: ${name}
broker: { kafka: { brokers: ${JSON.stringify(kafkaBrokers)} } }
sources: { ${name}.in: { topic: {} } }
streams: { s: { from: ${name}.in, steps: [{ set: { said: "'\${OXBOW_TEST_TOKEN:hunter22}'" } }], to: { log: {} } } }
`
    await produce(`${name}.in`, 1, [{ key: 'a', value: { text: 'seen' } }])
    const directory = makeDirectory({ 'log.yaml': config })
    process.env['OXBOW_TEST_TOKEN'] = 'hunter23'
    const { stderr } = await runOxbow(directory, ['run', 'log.yaml', '--threads', '2', '--until-idle', '--no-http'])
    delete process.env['OXBOW_TEST_TOKEN']
    const line = (jsonLines(stderr) as { message: string; thread?: number; value?: unknown }[]).find(
      ({ message }) => message === 'seen',
    )
    expect(line).toMatchObject({ level: 'info', thread: expect.any(Number), value: { text: 'seen' } })
    expect(stderr).not.toContain('hunter23')
  })

  test('a sink that only one may write to is refused before anything starts', async () => {
    const config = `name: one-file
broker: { kafka: { brokers: ${JSON.stringify(kafkaBrokers)} } }
sources: { one-file.in: { topic: {} } }
streams: { s: { from: one-file.in, to: { file: { path: ./out.jsonl } } } }
`
    const { code, stderr } = await runOxbow(makeDirectory({ 'one.yaml': config }), [
      'run',
      'one.yaml',
      '--threads',
      '2',
    ])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^oxbow: one\.yaml: only one may write to s\.to\.file/)
  })
})
