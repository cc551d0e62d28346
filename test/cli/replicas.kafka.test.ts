import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeKafka } from '../support/kafka/open.ts'
import { produce, readCommitted } from '../support/kafka/records.ts'
import { jsonLines, runOxbow } from './oxbow.ts'
import { makeScene, numbers, partitions, Replica, type Scene } from './scale.ts'

/** Drains what is left, and counts what came out. */
async function expectEverythingOnce({ directory, output }: Scene, count: number): Promise<void> {
  const { code, stdout, stderr } = await runOxbow(directory, [
    'run',
    'scale.yaml',
    '--until-idle',
    '--no-http',
    '--json',
  ])
  expect([code, jsonLines(stdout)], stderr).toMatchObject([0, [{ read: count, emitted: count, inFlight: 0 }]])
  const results = (await readCommitted(output, partitions)) as { n: number }[]
  const found = results.map(({ n }) => n).toSorted((a, b) => a - b)
  expect(found).toEqual(numbers(count).map(({ value }) => value.n))
}

async function twoReplicas(scene: Scene): Promise<[Replica, Replica]> {
  const first = new Replica(scene)
  await first.has(4)
  const second = new Replica(scene)
  await Promise.all([first.has(2), second.has(2)])
  return [first, second]
}

describeKafka('two replicas', { timeout: 120_000 }, () => {
  test('one that is asked to stop commits and leaves, and the other goes on at once', async () => {
    // Far longer than the test: who takes over has not waited for it.
    const scene = await makeScene('5m')
    const [first, second] = await twoReplicas(scene)
    await produce(scene.input, partitions, numbers(8_000))
    await Promise.all([first.commits(), second.commits()])
    const { code } = await first.end('SIGTERM')
    expect(code, first.log).toBe(0)
    await second.has(4)
    expect((await second.end('SIGTERM')).code, second.log).toBe(0)
    await expectEverythingOnce(scene, 8_000)
  })

  test('one that is killed is taken over within the session timeout, with nothing lost and nothing doubled', async () => {
    const scene = await makeScene('6s')
    const [first, second] = await twoReplicas(scene)
    await produce(scene.input, partitions, numbers(8_000))
    await Promise.all([first.commits(), second.commits()])
    const killedAt = performance.now()
    await first.end('SIGKILL')
    await second.has(4)
    // The session's six seconds, and a rebalance on a busy machine.
    expect(performance.now() - killedAt).toBeLessThan(15_000)
    expect((await second.end('SIGTERM')).code, second.log).toBe(0)
    await expectEverythingOnce(scene, 8_000)
  })

  test('a second one is refused where only one may write to a sink, and the first goes on', async () => {
    const scene = await makeScene('6s')
    const config = readFileSync(join(scene.directory, 'scale.yaml'), 'utf8')
    writeFileSync(
      join(scene.directory, 'scale.yaml'),
      config.replace(/to: \{ topic: .* \}/, 'to: { file: { path: ./out.jsonl } }'),
    )
    const first = new Replica(scene)
    await first.has(4)
    const second = await new Replica(scene).started.ended
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/oxbow: scale-\S+ cannot start: Another member of scale-\S+ has .*s\.to\.file/)
    await produce(scene.input, partitions, numbers(400))
    await first.has(4)
    await first.commits()
    await first.end('SIGTERM')
    await runOxbow(scene.directory, ['run', 'scale.yaml', '--until-idle', '--no-http'])
    const written = jsonLines(readFileSync(join(scene.directory, 'out.jsonl'), 'utf8')) as { n: number }[]
    expect(written.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(numbers(400).map(({ value }) => value.n))
  })
})
