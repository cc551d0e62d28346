import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'

const config = (condition: string) => `name: prices
sources:
  raw: { topic: {} }
streams:
  good: { from: raw, steps: [{ filter: '${condition}' }], to: { topic: clean } }
`

test('dlq redrive, edit and discard bring the letters of a config to nothing', async () => {
  const directory = makeDirectory({ 'prices.yaml': config('record.price < 1.0'), 'value.json': '{"n": 3}' })
  const oxbow = (...words: string[]) => runOxbow(directory, words)
  const lines = [1, 2, 3, 4].map((n) => JSON.stringify({ key: `k${n}`, value: { price: 'free', n } }))
  await runOxbow(directory, ['produce', 'raw'], lines.join('\n'))
  const run = async () => jsonLines((await oxbow('run', 'prices.yaml', '--until-idle', '--no-http', '--json')).stdout)
  expect(await run()).toMatchObject([{ read: 4, dead: 4 }])
  writeFileSync(join(directory, 'prices.yaml'), config('record.n > 0'))

  const where = ['--where', 'fault.code == "expression.failed" && value.n <= 2 && key != "k2"']
  const would = await oxbow('dlq', 'redrive', 'prices.yaml', ...where, '--dry-run')
  expect(would.stdout).toBe(
    '1 letter would be sent back to the operators that failed. The pipeline does it when it runs.\n',
  )
  const sent = await oxbow('dlq', 'redrive', 'prices.yaml', ...where, '--fix', '{"n": record.n + 10.0}', '--json')
  expect(jsonLines(sent.stdout)).toMatchObject([{ source: 'raw', key: 'k1', command: 'redrive' }])
  const discarded = await oxbow('dlq', 'discard', 'prices.yaml', '--key', 'k2', '--why', 'a test')
  expect(discarded.stdout).toBe('1 letter discarded.\n')
  const third = await oxbow('dlq', 'redrive', 'prices.yaml', '--key', 'k3', '--to', 'later', '--json')
  const [{ letter }] = jsonLines(third.stdout) as [{ letter: string }]
  const gone = await oxbow('dlq', 'edit', 'prices.yaml', letter, '--raw-file', 'value.json')
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining(`no such open letter: ${letter}`)])

  expect(await run()).toMatchObject([{ read: 4, emitted: 1, dead: 3, inFlight: 0 }])
  const last = await oxbow('dlq', 'redrive', 'prices.yaml', '--all', '--to', 'source', '--why', 'mended')
  expect(last.stdout).toBe('1 letter sent back, from the source on. The pipeline does it when it runs.\n')
  expect(await run()).toMatchObject([{ read: 4, emitted: 2, dead: 2, inFlight: 0 }])
  const clean = jsonLines((await oxbow('read', 'clean', '--json')).stdout) as { value: object }[]
  expect(clean.map(({ value }) => value)).toEqual([{ n: 11 }, { price: 'free', n: 4 }])
})

test.each([
  [['redrive', 'prices.yaml', '--where', 'record.n'], 'say which letters|--where: '],
  [['redrive', 'prices.yaml', '--all', '--to', 'a b'], '--to: `a b`: '],
  [['redrive', 'prices.yaml', '--all', '--fix', 'record.'], '--fix: '],
  [['redrive', 'prices.yaml', '--all', '--to', 'later', '--canary', '2'], 'leave out --fix and --canary'],
  [['edit', 'prices.yaml', 'x'], 'either --value or --raw-file'],
  [['edit', 'prices.yaml', 'x', '--value', '{'], '--value is no JSON: '],
])('dlq %j is refused', async (words, message) => {
  const directory = makeDirectory({ 'prices.yaml': config('record.price < 1.0') })
  const ended = await runOxbow(directory, ['dlq', ...words])
  expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(message)])
})
