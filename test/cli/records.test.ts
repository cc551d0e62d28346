import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { OutputRecord } from '../../src/record/record.ts'
import { jsonLines, makeDirectory, runOxbow, startOxbow } from './oxbow.ts'

async function withRecords(records: readonly OutputRecord[], partitions = 1): Promise<string> {
  const directory = makeDirectory()
  const broker = await openEmbedded({ directory: `${directory}/.oxbow` })
  await broker.ensureTopics([{ name: 'in', partitions }])
  await broker.commit({ group: 'test', task: '', outputs: records, offsets: [], state: [], counts: [] })
  await broker.close()
  return directory
}

const record = (parts: Partial<OutputRecord>): OutputRecord => ({
  topic: 'in',
  key: null,
  value: Buffer.from('{"a":1}'),
  headers: [],
  timestamp: 1_000,
  ...parts,
})

const odd = [
  record({
    key: Buffer.from('k'),
    headers: [
      ['trace', Buffer.from('é')],
      ['trace', null],
      ['raw', Buffer.from([255])],
    ],
  }),
  record({ key: Buffer.from([255, 0]), value: Buffer.from([1, 2, 255]) }),
  record({ key: Buffer.from(''), value: null }),
  record({ value: Buffer.from('') }),
  record({ value: Buffer.from('null') }),
  record({ value: Buffer.from('plain text') }),
  record({ value: Buffer.from('{"n":12345678901234567890,"d":0.1000000000000000055}') }),
  record({ value: Buffer.from('{"a" : [1,  {"value": "}"}], "value":1.50}') }),
  record({ value: Buffer.from('"a\\u2028 \\"b\\" \\\\"') }),
]

test('read --json shows every record in the agreed shape', async () => {
  const directory = await withRecords(odd)
  const { code, stdout } = await runOxbow(directory, ['read', 'in', '--json'])
  expect(code).toBe(0)
  const place = (offset: number) => ({ topic: 'in', partition: 0, offset, timestamp: 1_000 })
  expect(jsonLines(stdout)).toEqual([
    {
      ...place(0),
      key: 'k',
      headers: [
        ['trace', 'é'],
        ['trace', null],
        ['raw', { base64: '/w==' }],
      ],
      value: { a: 1 },
    },
    { ...place(1), keyBase64: '/wA=', headers: [], valueBase64: 'AQL/' },
    { ...place(2), key: '', headers: [], value: null },
    { ...place(3), key: null, headers: [], valueBase64: '' },
    { ...place(4), key: null, headers: [], valueBase64: 'bnVsbA==' },
    { ...place(5), key: null, headers: [], valueBase64: Buffer.from('plain text').toString('base64') },
    expect.objectContaining(place(6)),
    { ...place(7), key: null, headers: [], value: { a: [1, { value: '}' }], value: 1.5 } },
    { ...place(8), key: null, headers: [], value: 'a\u2028 "b" \\' },
  ])
  expect(stdout).toContain('"value":{"n":12345678901234567890,"d":0.1000000000000000055}')
})

test('what read --json prints, produce takes back byte for byte', async () => {
  const directory = await withRecords([
    ...odd,
    record({ value: Buffer.from('{\n  "a": "x  \\n y",\r\n "b": [ 1, 2 ] }') }),
  ])
  const { stdout } = await runOxbow(directory, ['read', 'in', '--json'])
  const produced = await runOxbow(directory, ['produce', 'copy'], stdout)
  expect([produced.code, produced.stderr]).toEqual([0, '10 records produced to copy\n'])

  const broker = await openEmbedded({ directory: `${directory}/.oxbow`, readOnly: true })
  const read = async (topic: string) => (await broker.read({ topic, partition: 0, offset: 0n }, 100)).records
  const [before, after] = [await read('in'), await read('copy')]
  await broker.close()
  const bytes = ({ key, value, headers, timestamp }: (typeof before)[number]) => ({ key, value, headers, timestamp })
  expect(after.slice(0, -1).map(bytes)).toEqual(before.slice(0, -1).map(bytes))
  expect(after.at(-1)!.value!.toString()).toBe('{"a":"x  \\n y","b":[1,2]}')
})

test('read orders partitions by time, and takes --partition, --from and --limit', async () => {
  const at = (partition: number, timestamp: number) => record({ partition, timestamp })
  const directory = await withRecords([at(0, 10), at(0, 40), at(1, 20), at(1, 30), at(2, 5), at(2, 50)], 3)
  const read = async (...options: string[]) => {
    const { stdout } = await runOxbow(directory, ['read', 'in', '--json', ...options])
    return (jsonLines(stdout) as { timestamp: number }[]).map(({ timestamp }) => timestamp)
  }
  expect(await read()).toEqual([5, 10, 20, 30, 40, 50])
  expect(await read('--limit', '3')).toEqual([5, 10, 20])
  expect(await read('--limit', '0')).toEqual([])
  expect(await read('--partition', '1')).toEqual([20, 30])
  expect(await read('--from', '1')).toEqual([30, 40, 50])
  expect(await read('--from', '99')).toEqual([])
  const missing = await runOxbow(directory, ['read', 'in', '--partition', '3'])
  expect(missing).toEqual({ code: 1, stdout: '', stderr: 'oxbow: in has no partition 3: it has 3, counted from 0\n' })
})

test('read for people shows place, time, key, value and headers, and nothing that steers a terminal', async () => {
  const value = Buffer.from('red \u001b[31m')
  const directory = await withRecords([record({ key: Buffer.from('k'), value, headers: [['a', Buffer.from('b')]] })])
  const { stdout } = await runOxbow(directory, ['read', 'in'])
  expect(stdout).toBe('0/0  1970-01-01T00:00:01.000Z  k  red \\u001b[31m\n    a: b\n')
})

test('read of an unknown topic names those that there are; without data it says so', async () => {
  const directory = await withRecords([record({})])
  const unknown = await runOxbow(directory, ['read', 'nope'])
  expect(unknown).toEqual({ code: 1, stdout: '', stderr: 'oxbow: there is no topic nope; there are: in\n' })
  const empty = await runOxbow(directory, ['read', 'in', '--data', 'other'])
  expect([empty.code, empty.stdout]).toEqual([1, ''])
  expect(empty.stderr).toContain('oxbow: other holds no data of Oxbow')
})

test('read --follow prints what is produced later, until it is interrupted', async () => {
  const directory = await withRecords([record({ value: Buffer.from('"first"') })])
  const reading = startOxbow(directory, 'read', 'in', '--follow', '--json')
  await reading.printed('"first"')
  await runOxbow(directory, ['produce', 'in'], '"second"\n')
  await reading.printed('"second"')
  reading.child.kill('SIGINT')
  const { code, stdout } = await reading.ended
  expect(code).toBe(130)
  expect(jsonLines(stdout)).toMatchObject([
    { value: 'first', offset: 0 },
    { value: 'second', offset: 1 },
  ])
})

test('read into a pipe that is closed early ends without a complaint', async () => {
  const directory = await withRecords(Array.from({ length: 50_000 }, () => record({ value: Buffer.from('"x"') })))
  const binary = fileURLToPath(new URL('../../bin/oxbow.js', import.meta.url))
  const script = `"${process.execPath}" "${binary}" read in --json | head -n 1; echo "\${PIPESTATUS[0]}"`
  const child = spawn('bash', ['-c', script], { cwd: directory })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => void (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => void (stderr += text.toString()))
  await once(child, 'close')
  expect(stdout.split('\n')[1]).toBe('0')
  expect(stderr).toBe('')
})

test('produce takes any JSON as the value, as it is written', async () => {
  const directory = makeDirectory()
  const lines = '{"id": 7,  "price": 1.50}\r\n\n[1]\n{"value": 1, "unit": "C"}\n{"key": "k", "value": 1, "unit": "C"}'
  expect(await runOxbow(directory, ['produce', 'in'], lines)).toMatchObject({ code: 0, stdout: '' })
  const { stdout } = await runOxbow(directory, ['read', 'in', '--json'])
  const values = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => /"value":(.*)\}$/.exec(line)![1])
  expect(values).toEqual([
    '{"id": 7,  "price": 1.50}',
    '[1]',
    '{"value": 1, "unit": "C"}',
    '{"key": "k", "value": 1, "unit": "C"}',
  ])
  expect((jsonLines(stdout) as { key: unknown }[]).map(({ key }) => key)).toEqual([null, null, null, null])
})

test('produce takes records with key, headers, time and partition', async () => {
  const directory = await withRecords([], 3)
  const line = {
    key: 'k',
    value: { a: 1 },
    headers: [
      ['h', 'x'],
      ['h', { base64: '/w==' }],
    ],
    timestamp: 5,
    partition: 2,
  }
  await runOxbow(directory, ['produce', 'in'], JSON.stringify(line))
  const { stdout } = await runOxbow(directory, ['read', 'in', '--json'])
  expect(jsonLines(stdout)).toEqual([{ topic: 'in', offset: 0, ...line }])
})

test('produce takes records without a key, and times as ISO 8601', async () => {
  const directory = await withRecords([])
  const lines = [
    '{"value":{"a":1},"headers":[["h","x"]]}',
    '{"valueBase64":"AQL/"}',
    '{"value":0.4,"timestamp":"2026-01-31T12:00:00+01:00"}',
    '{"value":7}',
  ]
  await runOxbow(directory, ['produce', 'in'], lines.join('\n'))
  expect(jsonLines((await runOxbow(directory, ['read', 'in', '--json'])).stdout)).toMatchObject([
    { key: null, headers: [['h', 'x']], value: { a: 1 } },
    { key: null, headers: [], valueBase64: 'AQL/' },
    { key: null, headers: [], value: 0.4, timestamp: Date.UTC(2026, 0, 31, 11) },
    { key: null, headers: [], value: 7 },
  ])
})

test('produce takes keys from --key and --key-field, and lines as text with --raw', async () => {
  const directory = makeDirectory()
  await runOxbow(directory, ['produce', 'a', '--key', 'k'], '{"key":"other","value":1}\n{"value":2}')
  await runOxbow(directory, ['produce', 'b', '--key-field', 'order.id'], '{"order":{"id":7}}')
  await runOxbow(directory, ['produce', 'c', '--raw', '--key', 'k'], 'not { json\n')
  const read = async (topic: string) => jsonLines((await runOxbow(directory, ['read', topic, '--json'])).stdout)
  expect(await read('a')).toMatchObject([{ key: 'k', value: { key: 'other', value: 1 } }, { value: { value: 2 } }])
  expect(await read('b')).toMatchObject([{ key: '7', value: { order: { id: 7 } } }])
  expect(await read('c')).toMatchObject([{ key: 'k', valueBase64: Buffer.from('not { json').toString('base64') }])
  const both = await runOxbow(directory, ['produce', 'a', '--key', 'k', '--key-field', 'id'], '')
  expect([both.code, both.stdout]).toEqual([2, ''])
})

test.each([
  ['{"a":', [], 'line 3: it is not JSON'],
  ['{"key":7,"value":1}', [], 'line 3: "key" is number, must be text or null'],
  ['{"key":"k","valueBase64":"?"}', [], 'line 3: "valueBase64" is not base64'],
  [
    '{"key":"k","value":1,"timestamp":"now"}',
    [],
    'line 3: "timestamp" is neither whole milliseconds since 1970 nor ISO 8601',
  ],
  ['{"key":"k","value":1,"headers":{}}', [], 'line 3: "headers" is not a list'],
  ['{"other":1}', ['--key-field', 'id'], 'line 3: it has no field "id"'],
])('produce ends at the bad line %s, and says what was produced', async (bad, options, message) => {
  const directory = makeDirectory()
  const { code, stdout, stderr } = await runOxbow(
    directory,
    ['produce', 'in', ...options],
    `{"id":1}\n{"id":2}\n${bad}\n{"id":3}\n`,
  )
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain(`oxbow: ${message}`)
  expect(stderr).toContain('2 records before it produced, nothing from it on')
  expect(jsonLines((await runOxbow(directory, ['read', 'in', '--json'])).stdout)).toHaveLength(2)
})

test('produce says what it produced when the broker refuses a record', async () => {
  const directory = await withRecords([], 2)
  const { code, stderr } = await runOxbow(directory, ['produce', 'in'], '{"key":"k","value":1,"partition":2}')
  expect(code).toBe(1)
  expect(stderr).toContain('partition 2 of in')
  expect(stderr).toContain('0 records produced before that')
})
