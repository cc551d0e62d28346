import { expect, test } from 'vitest'
import { makeDirectory, runOxbow } from './oxbow.ts'

const config = `name: clicks
sources: { clicks.v1: { topic: {} } }
streams: { pages: { from: clicks.v1, to: { topic: clicks.fast } } }
`

const describe = (directory: string, ...words: string[]) => runOxbow(directory, ['describe', 'clicks.yaml', ...words])

test('describe --live tells what is committed, where the topic ends, and what is left', async () => {
  const directory = makeDirectory({ 'clicks.yaml': config })
  await runOxbow(directory, ['produce', 'clicks.v1'], '{"n":1}\n{"n":2}\n')
  const rowOf = async () => (await describe(directory, '--live')).stdout.split('\n').at(-2)!.trim().split(/ +/)
  expect(await rowOf()).toEqual(['clicks.v1', '0', '-', '2', '2', '-', '-', '-'])
  await runOxbow(directory, ['run', 'clicks.yaml', '--until-idle', '--no-http'])
  expect(await rowOf()).toEqual(['clicks.v1', '0', '2', '2', '0', '-', '-', '-'])

  const { stdout } = await describe(directory, '--live', '--format', 'json')
  expect(JSON.parse(stdout)).toMatchObject({
    name: 'clicks',
    live: {
      partitions: [{ topic: 'clicks.v1', partition: 0, committed: 2, end: 2, lag: 0, member: null }],
      idle: [],
      standbys: [],
    },
  })
})

test('describe asks no broker unless it is told to, and refuses what cannot be drawn', async () => {
  const directory = makeDirectory({ 'clicks.yaml': config })
  expect((await describe(directory)).code).toBe(0)
  const live = await describe(directory, '--live')
  expect([live.code, live.stderr]).toEqual([1, expect.stringContaining('holds no data')])
  const drawn = await describe(directory, '--live', '--format', 'mermaid')
  expect([drawn.code, drawn.stderr]).toEqual([2, expect.stringContaining('not as mermaid')])
})
