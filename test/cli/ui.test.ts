import { expect, test } from 'vitest'
import { makeDirectory, runOxbow, startOxbow } from './oxbow.ts'

const prices = `name: prices
sources: { raw: { file: { path: ./prices.jsonl } } }
streams: { good: { from: raw, steps: [{ filter: record.price < 1.0 }], to: { topic: clean } } }
`
const token = 'edit-0123456789abcdef'

test('ui serves the workbench beside what runs: letters that it sends back are taken up there', async () => {
  const directory = makeDirectory({
    'prices.yaml': prices,
    'prices.jsonl': '{"cost":0.1}\n',
    tokens: `# us\nanna edit ${token}\n`,
  })
  await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http'])
  const headers = [['__connect.errors.topic', 'raw']]
  await runOxbow(directory, ['produce', 'connect.dlq'], JSON.stringify({ value: { cost: 2 }, headers }))
  const serving = startOxbow(
    directory,
    'ui',
    'prices.yaml',
    '--port',
    '0',
    '--host',
    '0.0.0.0',
    '--token-file',
    'tokens',
    '--trust-proxy',
    '127.0.0.1, ::1',
    '--topic',
    'connect.dlq',
  )
  await serving.printed('The workbench: http')
  const { port } = new URL(/http:\/\/\S+:\d+/.exec(serving.output.stderr)![0])
  const ask = async (path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}/api${path}`, {
      headers,
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    return (await response.json()) as { readonly [name: string]: unknown }
  }
  const others = { topic: 'connect.dlq', open: 1 }
  expect(await ask('/dlq')).toMatchObject({ topics: [{ topic: 'dlq.raw', open: 1 }, others] })
  expect((await fetch(`http://127.0.0.1:${port}/api/dlq`)).status).toBe(401)
  const fix = { expression: '{"price": record.cost}' }
  expect(await ask('/redrives', { all: true, to: 'source', fix, why: 'cost is price' })).toMatchObject({ by: 'anna' })
  const { code } = await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http'])
  expect(code).toBe(0)
  expect(await ask('/dlq')).toMatchObject({ topics: [{ open: 0, resolved: 1 }, others] })
  expect(await ask('/topics/clean/records')).toMatchObject({ records: [{ value: { text: '{"price":0.1}' } }] })
  const tried = async (client: string) => {
    const headers = { authorization: 'Bearer nobody-0123456789', 'x-forwarded-for': client }
    return (await fetch(`http://127.0.0.1:${port}/api/dlq`, { headers })).status
  }
  for (let time = 0; time < 20; time++) expect(await tried('203.0.113.7')).toBe(401)
  expect([await tried('203.0.113.7'), await tried('203.0.113.8')]).toEqual([429, 401])
  serving.child.kill('SIGTERM')
  expect((await serving.ended).code).toBe(0)
})

test.each([
  [['--host', '0.0.0.0'], '0.0.0.0 can be reached by others, and nobody would be asked who they are'],
  [['--trust-proxy', '10.0.0.0/8,proxy'], '`proxy` is no address, and no network such as 10.0.0.0/8'],
  [['--token-file', 'none'], '--token-file cannot be read: ENOENT'],
  [['--token-file', 'prices.yaml'], 'prices.yaml: line 1: expected NAME ROLE TOKEN'],
])('run %j starts nothing', async (words, message) => {
  const directory = makeDirectory({ 'prices.yaml': prices, 'prices.jsonl': '' })
  const { code, stderr } = await runOxbow(directory, ['run', 'prices.yaml', ...words])
  expect(stderr).toContain(message)
  expect(code).toBe(2)
})

test('ui says that a topic is not there', async () => {
  const directory = makeDirectory({ 'prices.yaml': prices })
  const { code, stderr } = await runOxbow(directory, ['ui', 'prices.yaml', '--topic', 'none'])
  expect([code, stderr]).toEqual([1, 'oxbow: there is no topic none; there are none yet\n'])
})
