import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'

const sound = `name: prices
sources:
  raw: { topic: {}, partitions: 2 }
streams:
  good:
    from: raw
    steps:
      - filter: record.price < 1.0
      - branch: { cheap: record.price < 0.5, else: dear }
  cheap: { from: good.cheap, to: { topic: cheap.prices } }
  dear: { from: good.dear, to: [{ topic: dear.prices }, { file: { path: ./dear.jsonl } }] }
`

test('check says ok for each sound config', async () => {
  const directory = makeDirectory({ 'a.yaml': sound, 'b.yaml': sound.replace('name: prices', 'name: other') })
  expect(await runOxbow(directory, ['check', 'a.yaml', 'b.yaml'])).toEqual({
    code: 0,
    stdout: 'a.yaml: ok\nb.yaml: ok\n',
    stderr: '',
  })
})

test('check finds all mistakes in all files, each on a line with its place', async () => {
  const directory = makeDirectory({
    'grammar.yaml': 'name: a\nsources:\n  raw: { topcc: {} }\nstreams:\n  s: { from: raw, to: { topic: 7 } }\n',
    'links.yaml': sound.replace('from: good.dear', 'from: good.daer'),
    'good.yaml': sound,
    'again.yaml': sound,
    'build.yaml': sound
      .replace('name: prices', 'name: c')
      .replace('- filter', '- validate: { schema: ./no.json }\n      - filter'),
    'alerts.yaml': `${sound.replace('name: prices', 'name: d')}monitor: { alerts: [{ when: size > 1, to: { topic: raw } }] }\n`,
    'tests.yaml': `${sound.replace('name: prices', 'name: e')}tests: [{ name: t, given: { nope: a }, expect: {} }]\n`,
  })
  const files = ['grammar.yaml', 'links.yaml', 'good.yaml', 'again.yaml', 'build.yaml', 'alerts.yaml', 'tests.yaml']
  const { code, stdout, stderr } = await runOxbow(directory, ['check', ...files, 'none.yaml'])
  expect([code, stdout]).toEqual([2, 'good.yaml: ok\n'])
  const lines = stderr.trimEnd().split('\n')
  for (const line of lines) expect(line).toMatch(/^[a-z]+\.yaml:\d+:\d+: \S/)
  const of = (file: string) => lines.filter((line) => line.startsWith(file))
  expect(of('grammar.yaml').join('\n')).toMatch(/^grammar\.yaml:3:\d+: unknown key `topcc`.*did you mean `topic`/m)
  expect(of('grammar.yaml').join('\n')).toContain('grammar.yaml:5:')
  expect(of('links.yaml').join('\n')).toContain('did you mean `good.dear`')
  expect(of('again.yaml')).toEqual([
    'again.yaml:1:7: `prices` is also the name of good.yaml; pipelines that run together need names of their own',
  ])
  expect(of('build.yaml').join('\n')).toMatch(/^build\.yaml:8:19: `validate`: .*no\.json/)
  expect(of('alerts.yaml').join('\n')).toContain('an alert cannot be written to `raw`')
  expect(of('tests.yaml').join('\n')).toContain('`nope`')
  expect(of('none.yaml')).toEqual(['none.yaml:1:1: there is no such file; give the path of a pipeline in YAML'])
})

test('check finds dead letters that come back by way of another pipeline', async () => {
  const first = sound.replace('name: prices', 'name: first')
  const second = `name: second
sources:
  dlq.raw: { topic: {} }
streams:
  again: { from: dlq.raw, to: { topic: raw } }
`
  const directory = makeDirectory({ 'a.yaml': first, 'b.yaml': second })
  expect(await runOxbow(directory, ['check', 'b.yaml'])).toMatchObject({ code: 0 })
  expect(await runOxbow(directory, ['check', 'a.yaml', 'b.yaml'])).toEqual({
    code: 2,
    stdout: 'a.yaml: ok\n',
    stderr: 'b.yaml:3:12: records of `dlq.raw` come back to it over `raw`: an endless loop\n',
  })
})

test('check --json says the same as one object a file', async () => {
  const directory = makeDirectory({ 'a.yaml': sound, 'b.yaml': 'name: b\nsources: {}\n' })
  const { code, stdout, stderr } = await runOxbow(directory, ['check', 'a.yaml', 'b.yaml', '--json'])
  expect([code, stderr]).toEqual([2, ''])
  const [a, b] = jsonLines(stdout) as [unknown, { problems: unknown[] }]
  expect(a).toEqual({ file: 'a.yaml', ok: true, problems: [] })
  expect(b).toMatchObject({ file: 'b.yaml', ok: false })
  expect(b.problems[0]).toEqual({ line: expect.any(Number), column: expect.any(Number), message: expect.any(String) })
})

test.each([
  ['kafka://localhost', 'expected host:port, such as "kafka-1:9092"'],
  ['{ kafka: { brokers: [] } }', '`broker.kafka.brokers`'],
  [
    '{ kafka: { brokers: ["a:1"], sasl: { mechanism: plain } } }',
    'plain needs `username`, and `password` or `passwordFile`',
  ],
  ['{ kafka: { brokers: ["a:1"], sasl: { mechanism: oauthbearer } } }', 'oauthbearer needs `token` or `tokenFile`'],
  ['{ kafka: { brokers: ["a:1"], tls: { ca: ./none.pem } } }', 'none.pem cannot be read: ENOENT'],
  ['{ kafka: { brokers: ["a:1"], tls: { cert: ./a.yaml } } }', 'a client certificate needs both `cert` and `key`'],
  ['{ kafka: { brokers: ["a:1"], client: librdkafka } }', 'expected "platformatic" or "kafkajs"'],
])('the broker %s is a mistake with a place', async (broker, message) => {
  const directory = makeDirectory({ 'a.yaml': `broker: ${broker}\n${sound}` })
  const { code, stderr } = await runOxbow(directory, ['run', 'a.yaml'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/^a\.yaml:1:\d+: /)
  expect(stderr).toContain(message)
})

test('threads are for Kafka', async () => {
  const { code, stderr } = await runOxbow(makeDirectory({ 'a.yaml': sound }), ['run', 'a.yaml', '--threads', '2'])
  expect(code).toBe(2)
  expect(stderr).toContain('oxbow: the embedded broker runs in one thread')
})

test('topics shows what is needed, and creates it with --apply; check --broker compares', async () => {
  const directory = makeDirectory({ 'a.yaml': sound, 'b.yaml': sound.replace('partitions: 2', 'partitions: 4') })
  const topics = async (...words: string[]) =>
    jsonLines((await runOxbow(directory, ['topics', ...words, '--json'])).stdout)

  const before = await topics('a.yaml')
  expect(before[0]).toEqual({
    name: 'raw',
    exists: false,
    partitions: 2,
    differences: ['is missing'],
    apply: ['creates it with 2 partitions'],
  })
  expect(before.map((topic) => (topic as { name: string }).name)).toEqual([
    'raw',
    'cheap.prices',
    'dear.prices',
    'dlq.raw',
    'dlq.raw-ledger',
    'prices-raw-redrive',
  ])

  const after = await topics('a.yaml', '--apply')
  expect(after[0]).toEqual({
    name: 'raw',
    exists: true,
    partitions: 2,
    live: { partitions: 2 },
    differences: [],
    apply: [],
  })
  expect(after.at(-3)).toMatchObject({ name: 'dlq.raw', retention: 604_800_000, live: { retention: 604_800_000 } })

  expect((await runOxbow(directory, ['check', 'a.yaml', '--broker'])).code).toBe(0)
  const different = await runOxbow(directory, ['check', 'b.yaml', '--broker'])
  expect(different).toEqual({
    code: 2,
    stdout: '',
    stderr: 'b.yaml:3:33: topic `raw`: has 2 partitions, the config says 4; `oxbow topics b.yaml --apply` mends it\n',
  })
  expect((await runOxbow(directory, ['topics', 'b.yaml'])).stdout).toMatch(/^raw +4 +for ever +has 2 partitions/m)
})

test('describe shows the topology as Kafka Streams does, with dead-letter topics', async () => {
  const directory = makeDirectory({ 'a.yaml': sound })
  const { stdout } = await runOxbow(directory, ['describe', 'a.yaml'])
  expect(stdout).toBe(`Topologies:
   Sub-topology: 0
    Source: raw (topic, topics: [raw])
      --> good.filter
    Processor: good.filter (filter)
      --> good.branch
      <-- raw
    Processor: good.branch (branch)
      --> cheap.to.topic, dear.to.topic, dear.to.file
      <-- good.filter
    Sink: cheap.to.topic (topic: cheap.prices)
      <-- good.branch
    Sink: dear.to.topic (topic: dear.prices)
      <-- good.branch
    Sink: dear.to.file (file)
      <-- good.branch
    Dead letters: dlq.raw
      <-- raw, good.filter, good.branch, cheap.to.topic, dear.to.topic, dear.to.file
`)
})

test('describe --format json is a graph, --format mermaid a flowchart of the same nodes and edges', async () => {
  const directory = makeDirectory({ 'a.yaml': sound })
  const { stdout } = await runOxbow(directory, ['describe', 'a.yaml', '--format', 'json'])
  const [graph] = jsonLines(stdout) as [
    { subtopologies: { nodes: { id: string; to: string[] }[] }[]; topics: unknown[] },
  ]
  expect(graph).toMatchObject({ name: 'prices' })
  expect(graph.topics).toContainEqual({
    name: 'dlq.raw',
    role: 'deadLetters',
    partitions: null,
    retention: 604_800_000,
  })
  const [{ nodes }] = graph.subtopologies as [(typeof graph.subtopologies)[number]]
  expect(nodes.map(({ id, to }) => [id, to])).toContainEqual(['raw', ['good.filter']])

  const mermaid = (await runOxbow(directory, ['describe', 'a.yaml', '--format', 'mermaid'])).stdout
  expect(mermaid).toMatch(/^flowchart LR\n {2}subgraph s0\["Sub-topology 0"\]\n/)
  expect(mermaid.match(/ --> /g)).toHaveLength(nodes.flatMap(({ to }) => to).length)
  expect(mermaid.match(/ -\.-> /g)).toHaveLength(nodes.length)
})

test('new writes a pipeline whose test passes, and never overwrites', async () => {
  const directory = makeDirectory()
  const created = await runOxbow(directory, ['new', 'my-orders'])
  expect([created.code, created.stderr]).toEqual([0, ''])
  const text = readFileSync(`${directory}/my-orders.yaml`, 'utf8')
  expect(text).toMatch(/^# yaml-language-server: \$schema=.*config\/schema\.json\n/)
  expect(await runOxbow(directory, ['check', 'my-orders.yaml'])).toMatchObject({ code: 0 })
  const tested = await runOxbow(directory, ['test', 'my-orders.yaml'])
  expect(tested.stdout).toContain('1 passed, 0 failed')
  expect(tested.code).toBe(0)

  const again = await runOxbow(directory, ['new', 'my-orders'])
  expect([again.code, again.stdout]).toEqual([1, ''])
  expect(again.stderr).toContain('oxbow: my-orders.yaml is there already')
  expect(readFileSync(`${directory}/my-orders.yaml`, 'utf8')).toBe(text)
  expect((await runOxbow(directory, ['new', '../x'])).code).toBe(2)
})

const withTest = (expected: string) => `${sound}tests:
  - name: a low price is cheap
    given: { raw: "a|" }
    values: { a: { price: 0.1 }, b: { price: 0.7 } }
    expect: { cheap.prices: "${expected}" }
`

test('test shows passed and failed tests, with marbles for the latter, and exits with 1', async () => {
  const directory = makeDirectory({
    'good.yaml': withTest('a|'),
    'bad.yaml': withTest('b|'),
    'none.yaml': sound.replace('prices', 'x'),
  })
  expect(await runOxbow(directory, ['test', 'good.yaml'])).toMatchObject({ code: 0, stderr: '' })
  const failed = await runOxbow(directory, ['test', 'bad.yaml'])
  expect(failed.code).toBe(1)
  expect(failed.stdout).toContain('✗ a low price is cheap')
  expect(failed.stdout).toMatch(/expected +cheap\.prices +b\|\n +actual +cheap\.prices +/)

  const json = await runOxbow(directory, ['test', 'bad.yaml', '--json'])
  expect(jsonLines(json.stdout)).toEqual([
    { file: 'bad.yaml', name: 'a low price is cheap', passed: false, failure: expect.any(Array) },
  ])
  expect((await runOxbow(directory, ['test', 'none.yaml'])).stdout).toBe('none.yaml: no tests\n')
  expect((await runOxbow(directory, ['test', 'good.yaml', '--filter', 'zzz'])).code).toBe(1)
})

test('list shows kinds, components and their docs', async () => {
  const directory = makeDirectory()
  const all = (await runOxbow(directory, ['list'])).stdout
  for (const name of ['sources', 'operators', 'sinks', 'rss', 'dedupe', 'webhook'])
    expect(all).toMatch(new RegExp(`^ *${name}\\b`, 'm'))
  expect((await runOxbow(directory, ['list', 'sinks'])).stdout).not.toContain('dedupe')
  const dedupe = (await runOxbow(directory, ['list', 'dedupe'])).stdout
  for (const part of ['dedupe (operator)', 'within  (text, default 24h)', 'drop duplicate', 'expression.failed']) {
    expect(dedupe).toContain(part)
  }
  expect((await runOxbow(directory, ['list', 'file'])).stdout).toMatch(/file \(source\)[^]*file \(sink\)/)
  const kinds = jsonLines((await runOxbow(directory, ['list', 'operators', '--json'])).stdout) as { kind: string }[]
  expect(new Set(kinds.map(({ kind }) => kind))).toEqual(new Set(['operators']))
  const unknown = await runOxbow(directory, ['list', 'dedup'])
  expect(unknown).toEqual({ code: 2, stdout: '', stderr: 'oxbow: there is no component dedup; did you mean dedupe?\n' })
})

test('completion for bash completes commands, their options and files', async () => {
  const directory = makeDirectory({
    'orders.yaml': '',
    'complete.bash': (await runOxbow(makeDirectory(), ['completion', 'bash'])).stdout,
  })
  const complete = (...words: string[]) => {
    const script = `source complete.bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _oxbow; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', script], { cwd: directory, encoding: 'utf8' }).split('\n').filter(Boolean)
  }
  expect(complete('oxbow', 're')).toEqual(['read', 'reset'])
  expect(complete('oxbow', 'run', '--un')).toEqual(['--until-idle'])
  expect(complete('oxbow', 'run', 'ord')).toEqual(['orders.yaml'])
  expect(complete('oxbow', 'dlq', '')).toEqual(expect.arrayContaining(['ls', 'show', '--help']))
  expect(complete('oxbow', 'dlq', 'ls', '--js')).toEqual(['--json'])
  expect(complete('oxbow', 'read', '--data', 'ord')).toEqual(['orders.yaml'])
  expect(complete('oxbow', 'completion', 'f')).toEqual(['fish'])
})

test.each(['zsh', 'fish'])('completion for %s knows every command and option', async (shell) => {
  const { code, stdout } = await runOxbow(makeDirectory(), ['completion', shell])
  expect(code).toBe(0)
  for (const word of ['run', 'dlq', 'show', 'until-idle', 'key-field']) expect(stdout).toContain(word)
})
