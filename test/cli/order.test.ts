import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'

const config = (condition: string, more = '') => `name: prices
sources:
  raw: { topic: {} }
deadLetters: { order: key${more} }
streams:
  good: { from: raw, steps: [{ filter: '${condition}' }], to: { topic: clean } }
`
const strict = config('record.price < 1.0')
const produced = [
  { key: 'k1', value: { price: 'free', n: 1 } },
  { key: 'k1', value: { price: 0.2, n: 2 } },
  { key: 'k2', value: { price: 0.3, n: 3 } },
]

/** A directory where the first record of k1 has died, and the second is parked behind it. */
async function withParked(text = strict) {
  const directory = makeDirectory({ 'prices.yaml': text })
  await runOxbow(directory, ['produce', 'raw'], produced.map((record) => JSON.stringify(record)).join('\n'))
  const run = () => runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http', '--json'])
  const clean = async () => {
    const { stdout } = await runOxbow(directory, ['read', 'clean', '--json'])
    return (jsonLines(stdout) as { value: { n: number } }[]).map(({ value }) => value.n)
  }
  const first = await run()
  return { directory, first, run, clean, dlq: (...words: string[]) => runOxbow(directory, ['dlq', ...words]) }
}

test('a mended config and dlq redrive bring a key on in its order', async () => {
  const { directory, first, run, clean, dlq } = await withParked()
  expect(first.code).toBe(0)
  expect(jsonLines(first.stdout)).toMatchObject([{ read: 3, emitted: 1, dead: 1, inFlight: 1 }])
  expect(await clean()).toEqual([3])
  const open = async () =>
    jsonLines((await dlq('ls', 'prices.yaml', '--json')).stdout).map((row) => (row as { open: number }).open)
  expect(await open()).toEqual([1])

  writeFileSync(join(directory, 'prices.yaml'), config('double(record.n) < 9.0'))
  const sent = await dlq('redrive', 'prices.yaml', '--key', 'k1')
  expect(sent.stdout).toBe(
    '1 letter sent back to the operators that failed; what is parked behind them follows. The pipeline does it when it runs.\n',
  )
  expect(jsonLines((await run()).stdout)).toMatchObject([{ read: 3, emitted: 3, dead: 0, inFlight: 0 }])
  expect(await clean()).toEqual([3, 1, 2])
  expect(await open()).toEqual([0])
})

test('dlq discard gives a letter up by its id, and the next record goes on', async () => {
  const { run, clean, dlq } = await withParked()
  const { id } = jsonLines((await dlq('show', 'dlq.raw', '--json')).stdout)[0] as { id: string }
  const said = await dlq('discard', 'prices.yaml', id, '--json')
  expect(jsonLines(said.stdout)).toEqual([{ letter: id, source: 'raw', key: 'k1', command: 'discard' }])
  expect(jsonLines((await run()).stdout)).toMatchObject([{ read: 3, emitted: 2, dead: 1, inFlight: 0 }])
  expect(await clean()).toEqual([3, 2])

  const again = await dlq('reopen', 'prices.yaml', id, '--why', 'needed after all', '--json')
  expect(jsonLines(again.stdout)).toEqual([{ letter: id, source: 'raw', key: 'k1', command: 'reopen' }])
})

test('dlq release lets a key go on without a letter', async () => {
  const { run, clean, dlq } = await withParked()
  expect((await dlq('release', 'prices.yaml', 'k1')).stdout).toContain('The key k1 is released')
  await run()
  expect(await clean()).toEqual([3, 2])
})

test('a partition that pauses ends --until-idle with what to do', async () => {
  const { first } = await withParked(config('record.price < 1.0', ', parked: { records: 2 }'))
  expect(first.code).toBe(1)
  expect(first.stderr).toContain('prices: task 0_0 reads no more: 2 records')
  expect(first.stderr).toContain('oxbow dlq redrive')
})

test.each([
  [['redrive', 'prices.yaml'], 2, 'say which letters'],
  [['redrive', 'prices.yaml', '--all', '--key', 'k1'], 2, 'say which letters'],
  [['redrive', 'prices.yaml', 'f'.repeat(32)], 1, `no such open letter: ${'f'.repeat(32)}; nothing was done`],
  [['reopen', 'prices.yaml', '--all'], 2, 'say why, with --why'],
  [['reopen', 'prices.yaml', 'f'.repeat(32), '--why', 'x'], 1, `no such letter: ${'f'.repeat(32)}`],
  [['discard', 'prices.yaml', '--all', '--source', 'orders'], 2, 'prices has no source orders, only raw'],
])('dlq %j ends with %i', async (words, code, message) => {
  const directory = makeDirectory({ 'prices.yaml': strict })
  await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http'])
  const ended = await runOxbow(directory, ['dlq', ...words])
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(message)])
})

test('dlq release says so where keys keep no order', async () => {
  const directory = makeDirectory({ 'prices.yaml': strict.replace('order: key', 'order: none') })
  const { code, stderr } = await runOxbow(directory, ['dlq', 'release', 'prices.yaml', 'k1'])
  expect([code, stderr]).toEqual([1, expect.stringContaining('prices does not keep the order of keys')])
})
