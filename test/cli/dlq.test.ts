import { expect, test } from 'vitest'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'

const config = (envelope: string) => `name: prices
sources:
  raw: { topic: {} }
deadLetters: { envelope: ${envelope} }
streams:
  good:
    from: raw
    steps:
      - set: { note: "'seen'" }
      - filter: record.price < 1.0
    to: { topic: clean }
`
const poison = { key: 'k1', value: { price: 'free', n: 1 }, headers: [['trace', 'abc']], timestamp: 1_000 }

async function withLetters(envelope: string): Promise<string> {
  const directory = makeDirectory({ 'prices.yaml': config(envelope) })
  await runOxbow(
    directory,
    ['produce', 'raw'],
    `${JSON.stringify(poison)}\n{"price":0.5}\nno json`.replace('no json', ''),
  )
  await runOxbow(directory, ['produce', 'raw', '--raw', '--key', 'k2'], 'no json')
  const { code } = await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http'])
  expect(code).toBe(0)
  return directory
}

test.each(['headers', 'json'])(
  'dlq show finds letters in the %s envelope by place, by id, and the latest',
  async (envelope) => {
    const directory = await withLetters(envelope)
    const show = async (name: string) =>
      jsonLines((await runOxbow(directory, ['dlq', 'show', name, '--json'])).stdout)[0]

    const first = await show('dlq.raw/0/0')
    expect(first).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      source: 'raw',
      topic: 'dlq.raw',
      partition: 0,
      offset: 0,
      operator: 'good.filter',
      fault: { code: 'expression.failed', message: expect.stringContaining('record.price'), stack: expect.any(String) },
      attempts: 1,
      hops: 0,
      revision: expect.stringMatching(/^[0-9a-f]{12}$/),
      origin: { topic: 'raw', partition: 0, offset: 0, timestamp: 1_000 },
      failedAt: expect.stringMatching(/Z$/),
      firstFailedAt: expect.stringMatching(/Z$/),
      disposition: 'open',
      fingerprint: expect.stringMatching(/^[0-9a-f-]+$/),
      history: [],
      key: 'k1',
      value: { price: 'free', n: 1 },
    })
    expect(await show((first as { id: string }).id)).toEqual(first)

    expect(await show('dlq.raw')).toMatchObject({
      offset: 1,
      fault: { code: 'value.unreadable' },
      key: 'k2',
      valueBase64: Buffer.from('no json').toString('base64'),
    })
  },
)

test('dlq show for people has the fault, the operator, the origin and the payload', async () => {
  const directory = await withLetters('headers')
  const { stdout } = await runOxbow(directory, ['dlq', 'show', 'dlq.raw/0/0'])
  expect(stdout).toMatch(/^fault: +expression\.failed$/m)
  expect(stdout).toMatch(/^operator: +good\.filter$/m)
  expect(stdout).toMatch(/^origin: +raw\/0\/0 at 1970-01-01T00:00:01\.000Z$/m)
  expect(stdout).toMatch(/^header: +trace: abc$/m)
  expect(stdout).toContain('value:\n  {\n    "price": "free",\n    "n": 1\n  }\n')
  expect(stdout).toContain('operator input:\n  {\n    "price": "free",\n    "n": 1,\n    "note": "seen"\n  }\n')
})

test('dlq show says what is wrong with a name', async () => {
  const directory = await withLetters('headers')
  const failing = async (name: string) => {
    const { code, stdout, stderr } = await runOxbow(directory, ['dlq', 'show', name])
    expect([code, stdout]).toEqual([1, ''])
    return stderr
  }
  expect(await failing('dlq.raw/0/9')).toBe('oxbow: dlq.raw/0 has no offset 9: it keeps 0 up to 1\n')
  expect(await failing('dlq.raw/3/0')).toBe('oxbow: dlq.raw has no partition 3: it has 1, counted from 0\n')
  expect(await failing('dlq.nope')).toContain('oxbow: there is no topic dlq.nope; there are: ')
  expect(await failing('0'.repeat(32))).toContain('keeps a dead letter with the id 000')
  expect(await failing('raw/0/1')).toContain('the record at raw/0/1 is no dead letter of a convention that is known')
})

test('dlq ls with a config counts its dead-letter topics, also those that are not there yet', async () => {
  const directory = await withLetters('headers')
  const ls = async (...words: string[]) =>
    jsonLines((await runOxbow(directory, ['dlq', 'ls', ...words, '--json'])).stdout)
  expect(await ls('prices.yaml')).toEqual(await ls())
  expect(await ls()).toMatchObject([{ source: 'raw', topic: 'dlq.raw', open: 2, retained: 2 }])
  const other = makeDirectory({ 'other.yaml': config('headers').replaceAll('raw', 'other') })
  expect(await ls(`${other}/other.yaml`)).toEqual([
    {
      source: 'other',
      topic: 'dlq.other',
      open: 0,
      redriving: 0,
      resolved: 0,
      discarded: 0,
      retained: 0,
      oldest: null,
      expired: 0,
      expiring: 0,
      warnings: [],
    },
  ])
  expect((await runOxbow(directory, ['dlq', 'ls'])).stdout).toMatch(/^source +topic +open.*\nraw +dlq\.raw +2 /)
})

test('dlq groups has one group for letters that failed alike, with a line of JSON for each', async () => {
  const directory = await withLetters('headers')
  await runOxbow(directory, ['produce', 'raw'], '{"price":"dear"}\n{"price":"cheap"}\n')
  await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http'])
  const { stdout } = await runOxbow(directory, ['dlq', 'groups', 'prices.yaml', '--json'])
  expect(jsonLines(stdout)).toEqual([
    {
      topic: 'dlq.raw',
      fingerprint: expect.any(String),
      state: 'new',
      pipeline: 'prices',
      source: 'raw',
      operator: 'good.filter',
      code: 'expression.failed',
      message: expect.stringContaining('record.price'),
      open: 3,
      redriving: 0,
      resolved: 0,
      discarded: 0,
      expired: 0,
      trend: [...Array<number>(23).fill(0), 3],
      first: expect.stringMatching(/Z$/),
      last: expect.stringMatching(/Z$/),
      oldest: expect.stringMatching(/Z$/),
    },
    expect.objectContaining({ code: 'value.unreadable', open: 1 }),
  ])
  expect((await runOxbow(directory, ['dlq', 'groups', '--state', 'resolved', '--json'])).stdout).toBe('')
  const shown = await runOxbow(directory, ['dlq', 'groups'])
  expect(shown.stdout).toMatch(/^group +state +open .*\n\S+ +new +3 +0 .*█ +good\.filter +expression\.failed /)
})

test('dlq mute and merge change what groups are shown; a group that is not there is named', async () => {
  const directory = await withLetters('headers')
  const groups = async () =>
    jsonLines((await runOxbow(directory, ['dlq', 'groups', '--json'])).stdout) as {
      fingerprint: string
      state: string
    }[]
  const [one, other] = (await groups()).map(({ fingerprint }) => fingerprint) as [string, string]
  expect(await runOxbow(directory, ['dlq', 'mute', 'prices.yaml', one])).toMatchObject({ code: 0 })
  expect((await groups()).find(({ fingerprint }) => fingerprint === one)).toMatchObject({ state: 'muted' })
  expect(await runOxbow(directory, ['dlq', 'merge', 'prices.yaml', other, '--into', one])).toMatchObject({ code: 0 })
  expect(await groups()).toMatchObject([{ fingerprint: one, open: 2 }])
  const lines = jsonLines((await runOxbow(directory, ['dlq', 'export'])).stdout)
  expect(lines.slice(2)).toMatchObject([
    { group: one, topic: 'dlq.raw', to: 'muted', why: '' },
    { group: other, to: { mergedInto: one } },
  ])
  const { code, stderr } = await runOxbow(directory, ['dlq', 'split', 'prices.yaml', 'nope'])
  expect([code, stderr]).toEqual([1, expect.stringContaining('no such group: nope')])
})
