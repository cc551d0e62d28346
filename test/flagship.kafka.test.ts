import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { readTopics } from './flagship/independent.ts'
import { startOutside, type Outside } from './flagship/outside.ts'
import { describeKafka, kafkaBrokers } from './support/kafka/open.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Before every name, so that other runs on the same cluster are not in the way. */
const own = `t${process.pid}-${Date.now()}.`

interface Row {
  readonly source: string
  readonly stream: string
  readonly read: number
  readonly emitted: number
  readonly dropped: number
  readonly dead: number
  readonly inFlight: number
}

let directory: string
let outside: Outside

/** The configs as they are, but for the names of pipelines and topics. */
function copyConfigs(): string {
  const copy = mkdtempSync(join(tmpdir(), 'oxbow-flagship-'))
  cpSync(join(root, 'config'), copy, { recursive: true })
  for (const file of ['market-lag.yaml', 'demo.yaml']) {
    const names =
      /(?<![\w-])(market-lag|rss\.events|rss\.articles|rss\.signals_hourly|lag_signals|polymarket\.price_hourly|prices\.clean|demo\.\w+)\b|(?<=^name: )demo/gm
    writeFileSync(
      join(copy, file),
      readFileSync(join(copy, file), 'utf8').replaceAll(names, (name) => own + name),
    )
  }
  return copy
}

/** Runs a config as a user does, and says what became of its records. */
async function run(config: string, environment: NodeJS.ProcessEnv = {}): Promise<readonly Row[]> {
  const words = ['bin/oxbow.js', 'run', join(directory, config), '--until-idle', '--no-http', '--json']
  const env = { ...process.env, ...environment, OXBOW_BROKER: `kafka://${kafkaBrokers.join(',')}` }
  const child = spawn(process.execPath, words, { cwd: root, env })
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code, await stderr).toBe(0)
  return (await stdout)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}

const runFlagship = (): Promise<readonly Row[]> =>
  run('market-lag.yaml', {
    ...Object.fromEntries(outside.feeds.map((feed, n) => [`FEED_${n + 1}`, feed])),
    MARKET_1: 'rain-tomorrow',
    MARKET_2: 'snow-tomorrow',
    POLYMARKET_GAMMA: `${outside.url}/gamma`,
    POLYMARKET_CLOB: `${outside.url}/clob`,
    ALLOW_PRIVATE: 'true',
    ALERT_SIZE: '2',
  })

/** How many records are on topics, by the names that the config has. */
async function count(...topics: readonly string[]): Promise<{ readonly [topic: string]: number }> {
  const names = topics.map((topic) => (topic.startsWith('dlq.') ? `dlq.${own}${topic.slice(4)}` : own + topic))
  const found = await readTopics(kafkaBrokers, names)
  return Object.fromEntries(topics.map((topic, at) => [topic, found.get(names[at]!)!.length]))
}

describeKafka('on Kafka, by OXBOW_BROKER alone,', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    outside = await startOutside()
    directory = copyConfigs()
  })

  afterAll(async () => {
    await outside.close()
    rmSync(directory, { recursive: true })
  })

  it('the flagship pipeline accounts for every record, and repeats nothing when it is run again', async () => {
    const rows = await runFlagship()
    expect(rows.filter(({ stream }) => stream === 'articles' || stream === 'prices')).toEqual([
      { source: `${own}rss.events`, stream: 'articles', read: 7, emitted: 4, dropped: 0, dead: 3, inFlight: 0 },
      {
        source: `${own}polymarket.price_hourly`,
        stream: 'prices',
        read: 19,
        emitted: 16,
        dropped: 0,
        dead: 3,
        inFlight: 0,
      },
    ])
    expect(await runFlagship()).toEqual(rows)
    const counts = {
      'rss.events': 7,
      'rss.articles': 4,
      'dlq.rss.events': 3,
      'polymarket.price_hourly': 19,
      'prices.clean': 16,
      'dlq.polymarket.price_hourly': 3,
      'market-lag.alerts': 2,
    }
    expect(await count(...Object.keys(counts))).toEqual(counts)
  })

  it('the demo finds what its generator broke', async () => {
    const [row] = await run('demo.yaml')
    expect(row).toMatchObject({ read: 2_000, dropped: 0, inFlight: 0 })
    const { emitted, dead } = row!
    expect(emitted + dead).toBe(2_000)
    expect(dead).toBeGreaterThan(0)
    expect(await count('demo.prices', 'demo.clean', 'dlq.demo.prices')).toEqual({
      'demo.prices': 2_000,
      'demo.clean': emitted,
      'dlq.demo.prices': dead,
    })
  })
})
