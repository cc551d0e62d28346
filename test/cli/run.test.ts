import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { binary, jsonLines, makeDirectory, runOxbow, startOxbow } from './oxbow.ts'

const prices = `name: prices
sources:
  raw: { file: { path: ./prices.jsonl } }
streams:
  good: { from: raw, steps: [{ filter: record.price < 1.0 }], to: { topic: clean } }
`
const lines = '{"price":0.1}\n{"price":2.0}\nbroken\n{"price":0.4}\n{}\n'
const counts = { source: 'raw', stream: 'good', read: 5, emitted: 2, dropped: 1, dead: 2, inFlight: 0 }

const readTopic = async (directory: string, topic: string) =>
  jsonLines((await runOxbow(directory, ['read', topic, '--json'])).stdout) as { value: unknown }[]

const dlqLs = async (directory: string, ...words: string[]) =>
  jsonLines((await runOxbow(directory, ['dlq', 'ls', ...words, '--json'])).stdout)

test('run --until-idle reads everything, prints the conservation and ends', async () => {
  const directory = makeDirectory({ 'prices.yaml': prices, 'prices.jsonl': lines })
  const { code, stdout } = await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http', '--json'])
  expect([code, jsonLines(stdout)]).toEqual([0, [counts]])
  expect((await readTopic(directory, 'clean')).map(({ value }) => value)).toEqual([{ price: 0.1 }, { price: 0.4 }])
  expect(await dlqLs(directory)).toEqual([
    {
      source: 'raw',
      topic: 'dlq.raw',
      open: 2,
      redriving: 0,
      resolved: 0,
      discarded: 0,
      retained: 2,
      oldest: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      expired: 0,
      expiring: 0,
      warnings: [],
    },
  ])

  const again = await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http'])
  expect(again.stdout).toBe(
    'source  stream  read  emitted  dropped  dead  in flight\nraw     good       5        2        1     2          0\n',
  )
  expect(await readTopic(directory, 'clean')).toHaveLength(2)
})

test('dead letters are found under whatever name the config gives their topic', async () => {
  const named = prices.replace('streams:', 'deadLetters: { topic: "failed.{source}", envelope: json }\nstreams:')
  const directory = makeDirectory({ 'prices.yaml': named, 'prices.jsonl': lines })
  await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http'])
  expect(await dlqLs(directory)).toMatchObject([{ source: 'raw', topic: 'failed.raw', open: 2 }])
  const show = async (name: string) =>
    jsonLines((await runOxbow(directory, ['dlq', 'show', name, '--json'])).stdout)[0] as { id: string }
  const latest = await show('failed.raw')
  expect(await show(latest.id)).toEqual(latest)
})

test('pipelines that run together are drained together, and a monitor looks once at the end', async () => {
  const second = `name: second
sources: { clean: { topic: {} } }
streams: { all: { from: clean, to: { topic: cleaner } } }
`
  const monitor = 'monitor: { alerts: [{ name: some, when: size > 1, to: { topic: alerts } }] }\n'
  const directory = makeDirectory({ 'b.yaml': second, 'prices.yaml': prices + monitor, 'prices.jsonl': lines })
  const { code, stdout } = await runOxbow(directory, ['run', 'b.yaml', 'prices.yaml', '--until-idle', '--no-http'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^pipeline +source +stream/)
  expect(await readTopic(directory, 'cleaner')).toHaveLength(2)
  expect(await readTopic(directory, 'alerts')).toMatchObject([{ value: { topic: 'dlq.raw', size: 2 } }])
})

test('run --until-idle says what waits for time to go on, and nothing where nothing does', async () => {
  const config = (emit: string, type: string) => `name: p
sources: { bids: { file: { path: ./bids.jsonl } }, asks: { topic: {} } }
streams:
  deals:
    from: bids
    steps:
      - keyBy: record.id
      - aggregate: { window: { tumbling: 1h }, emit: ${emit}, into: { bids: count } }
    to: { topic: deals }
  joined:
    { from: bids, steps: [keyBy: record.id, join: { stream: asks, within: 1h, type: ${type}, as: ask }], to: { topic: joined } }
`
  const bids = '{"id":"a"}\n{"id":"a"}\n{"id":"b"}\n'
  const heldAfter = async (yaml: string) => {
    const directory = makeDirectory({ 'p.yaml': yaml, 'bids.jsonl': bids })
    const { stderr } = await runOxbow(directory, ['run', 'p.yaml', '--until-idle', '--no-http'])
    return stderr.split('\n').filter((line) => line.includes('holds'))
  }
  const [line, ...more] = await heldAfter(config('close', 'left'))
  expect(more).toEqual([])
  expect(line).toContain(
    'joined.join holds records that met none yet: 3; deals.aggregate holds open windows: 2. A later record lets go of',
  )
  expect(await heldAfter(config('update', 'inner'))).toEqual([])
})

test('a source that cannot be polled is a failure that says what to do', async () => {
  const directory = makeDirectory({ 'prices.yaml': prices })
  const { code, stdout, stderr } = await runOxbow(directory, [
    'run',
    'prices.yaml',
    '--until-idle',
    '--no-http',
    '--json',
  ])
  expect([code, jsonLines(stdout)]).toEqual([1, [{ ...counts, read: 0, emitted: 0, dropped: 0, dead: 0 }]])
  expect(stderr).toMatch(/oxbow: not everything was done:\n {2}prices: source raw: .*prices\.jsonl/)
  expect(stderr).not.toMatch(/^ +at /m)
})

test('a task that had to stop is a failure, and its records stay where they are', async () => {
  const guarded = `${prices}deadLetters: { halt: { ratio: 0.3, of: 4 } }\n`
  const directory = makeDirectory({ 'prices.yaml': guarded, 'prices.jsonl': lines })
  const { code, stderr } = await runOxbow(directory, ['run', 'prices.yaml', '--until-idle', '--no-http'])
  expect(stderr).toMatch(/oxbow: not everything was done:\n {2}prices: task 0_0: .*flood guard/)
  expect(code).toBe(1)
})

test('mistakes in any config start nothing', async () => {
  const directory = makeDirectory({ 'prices.yaml': prices, 'bad.yaml': 'name: b\n', 'prices.jsonl': lines })
  const { code, stdout, stderr } = await runOxbow(directory, [
    'run',
    'prices.yaml',
    'bad.yaml',
    'none.yaml',
    '--until-idle',
  ])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^bad\.yaml:\d+:\d+: /m)
  expect(stderr).toMatch(/^none\.yaml:1:1: /m)
  expect((await runOxbow(directory, ['read', 'raw'])).stderr).toContain('holds no data')
})

const endless = prices.replace('file: { path: ./prices.jsonl }', 'topic: {}')

test.each([
  ['SIGTERM', 0],
  ['SIGINT', 130],
] as const)('%s drains, prints the conservation and exits with %i', async (signal, code) => {
  const directory = makeDirectory({ 'prices.yaml': endless })
  const running = startOxbow(directory, 'run', 'prices.yaml', '--no-http', '--json')
  await running.printed('Running prices')
  await runOxbow(directory, ['produce', 'raw'], '{"price":0.1}\n{"price":2}\nfalse\n')
  const following = startOxbow(directory, 'read', 'dlq.raw', '--follow')
  await following.printed('false')
  running.child.kill(signal)
  const ended = await running.ended
  expect(ended.code).toBe(code)
  expect(jsonLines(ended.stdout)).toEqual([{ ...counts, read: 3, emitted: 1, dead: 1 }])
})

test.each([
  ['in one process', [process.execPath, '--max-semi-space-size=32']],
  ['started by another Node', [process.execPath]],
])('when the shell of npm is ended, a run %s stops in order', async (_, node) => {
  const directory = makeDirectory({ 'prices.yaml': endless })
  const command = [...node, binary, 'run', 'prices.yaml', '--no-http', '--json'].map((word) => `'${word}'`).join(' ')
  const env = { ...process.env, npm_command: 'exec' }
  const shell = spawn('sh', ['-c', `${command}; true`], { cwd: directory, env })
  const output = { stdout: '', stderr: '' }
  shell.stdout.on('data', (bytes: Buffer) => void (output.stdout += String(bytes)))
  await new Promise<void>((resolve) =>
    shell.stderr.on('data', (bytes: Buffer) => {
      output.stderr += String(bytes)
      if (output.stderr.includes('Running prices')) resolve()
    }),
  )
  shell.kill('SIGTERM')
  // Its output ends when the process that holds it has ended, which the shell did long before.
  await once(shell, 'close')
  expect(output.stderr).toContain('"signal":"SIGTERM"')
  expect(jsonLines(output.stdout)).toEqual([{ ...counts, read: 0, emitted: 0, dropped: 0, dead: 0 }])
  expect((await runOxbow(directory, ['run', 'prices.yaml', '--no-http', '--until-idle'])).code).toBe(0)
})

test('a second pipeline process on the same directory is refused', async () => {
  const directory = makeDirectory({ 'prices.yaml': endless })
  const running = startOxbow(directory, 'run', 'prices.yaml', '--no-http')
  await running.printed('Running prices')
  const second = await runOxbow(directory, ['run', 'prices.yaml', '--no-http'])
  expect([second.code, second.stdout]).toEqual([1, ''])
  expect(second.stderr).toMatch(/^oxbow: .*in use by process \d+/)
})

async function takePort(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('run serves health and metrics on a port, and refuses one that is taken', async () => {
  const directory = makeDirectory({ 'prices.yaml': endless })
  const running = startOxbow(directory, 'run', 'prices.yaml', '--port', '0')
  await running.printed('Running prices')
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.output.stderr)![0]
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('oxbow_')
  expect(running.output.stderr).toContain(`Its page: ${url}`)

  const taken = await takePort(0)
  const refused = await runOxbow(makeDirectory({ 'prices.yaml': endless }), [
    'run',
    'prices.yaml',
    '--port',
    String(taken),
  ])
  expect([refused.code, refused.stdout]).toEqual([1, ''])
  expect(refused.stderr).toContain(`oxbow: Port ${taken} on 127.0.0.1 is in use`)
})

test('run has a page that plots what the config asks for', async () => {
  const plots = 'monitor: { plots: [{ title: The prices, lines: [{ topic: prices, y: record.price }] }] }'
  const running = startOxbow(
    makeDirectory({ 'prices.yaml': `${endless}\n${plots}\n` }),
    'run',
    'prices.yaml',
    '--port',
    '0',
  )
  await running.printed('Running prices')
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.output.stderr)![0]
  expect(await (await fetch(`${url}/plots`)).json()).toEqual({
    plots: [{ pipeline: 'prices', title: 'The prices', path: '/plots/0' }],
  })
  expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toContain('The prices')
})

test('run listens on the address it is told, and says which', async () => {
  const running = startOxbow(
    makeDirectory({ 'prices.yaml': endless }),
    'run',
    'prices.yaml',
    '--host',
    '::1',
    '--port',
    '0',
  )
  await running.printed('Running prices')
  const url = /http:\/\/\[::1\]:\d+/.exec(running.output.stderr)![0]
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  await expect(fetch(`${url.replace('[::1]', '127.0.0.1')}/healthz`)).rejects.toThrow('fetch failed')
})

test('SIGINT while a record waits for a retry abandons the wait: it stays in flight, and is no dead letter', async () => {
  const retrying = prices
    .replace('[{ filter: record.price < 1.0 }]', '[{ use: ./fail.ts }]')
    .concat('deadLetters: { retry: { attempts: 1, backoff: [1h] } }\n')
  const fails = `export default () => { console.error('tried'); throw new Fault('later') }
import { Fault as Base } from '${new URL('../../src/index.ts', import.meta.url).href}'
class Fault extends Base { code = 'service.down'; disposition = 'retry' as const }
`
  const directory = makeDirectory({ 'prices.yaml': retrying, 'fail.ts': fails, 'prices.jsonl': '{"price":0.1}\n' })
  const running = startOxbow(directory, 'run', 'prices.yaml', '--until-idle', '--no-http', '--json')
  await running.printed('tried')
  running.child.kill('SIGINT')
  const { code, stdout } = await running.ended
  expect(code).toBe(130)
  expect(jsonLines(stdout)).toMatchObject([{ emitted: 0, dead: 0 }])
})

const waiting = `name: waiting
sources:
  numbers: { topic: {}, partitions: 3 }
deadLetters:
  retry: { attempts: 1, backoff: [10ms], topic: '{source}.retry' }
streams:
  asked:
    from: numbers
    steps: [{ enrich: { url: 'http://127.0.0.1:1/{record.id}', as: answer, allowPrivate: true } }]
    to: { topic: answers }
`

test('the roles share the work: what waits on the retry topic is in flight until its role runs', async () => {
  const directory = makeDirectory({ 'waiting.yaml': waiting, 'prices.yaml': prices })
  await runOxbow(directory, ['topics', 'waiting.yaml', '--apply'])
  await runOxbow(directory, ['produce', 'numbers'], '{"id":7}\n{"id":8}\n')
  const run = async (...words: string[]) => {
    const { code, stdout } = await runOxbow(directory, [
      'run',
      'waiting.yaml',
      ...words,
      '--until-idle',
      '--no-http',
      '--json',
    ])
    return [code, ...jsonLines(stdout)]
  }
  const row = { source: 'numbers', stream: 'asked', read: 2, emitted: 0, dropped: 0, dead: 0, inFlight: 2 }
  expect(await run('--role', 'main')).toEqual([0, row])
  expect(await run('--role', 'main')).toEqual([0, row])
  expect(await run('--role', 'retry')).toEqual([0, { ...row, dead: 2, inFlight: 0 }])
  await runOxbow(directory, ['produce', 'numbers'], '{"id":9}\n')
  expect(await run()).toEqual([0, { ...row, read: 3, dead: 3, inFlight: 0 }])

  const none = await runOxbow(directory, ['run', 'prices.yaml', '--role', 'retry'])
  expect([none.code, none.stderr]).toEqual([
    2,
    'oxbow: no source has a retry topic: leave --role out, or name one as deadLetters.retry.topic\n',
  ])
})

test('topics and describe show a retry topic', async () => {
  const directory = makeDirectory({ 'waiting.yaml': waiting })
  await runOxbow(directory, ['topics', 'waiting.yaml', '--apply'])
  const topics = jsonLines((await runOxbow(directory, ['topics', 'waiting.yaml', '--json'])).stdout)
  expect(topics).toContainEqual(expect.objectContaining({ name: 'numbers.retry', partitions: 3, differences: [] }))
  const text = (await runOxbow(directory, ['describe', 'waiting.yaml'])).stdout
  expect(text).toContain(
    '    Retries: numbers.retry (of numbers, pipeline waiting.retry)\n      --> the operator that failed\n',
  )
  const [graph] = jsonLines((await runOxbow(directory, ['describe', 'waiting.yaml', '--format', 'json'])).stdout)
  expect(graph).toMatchObject({
    subtopologies: [
      { retries: [{ topic: 'numbers.retry', source: 'numbers', pipeline: 'waiting.retry', reenter: 'operator' }] },
    ],
  })
  const mermaid = (await runOxbow(directory, ['describe', 'waiting.yaml', '--format', 'mermaid'])).stdout
  expect(mermaid).toContain('    n0_0 <-. retries .-> r0_0\n')
})
