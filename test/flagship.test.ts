import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AlertRecord } from '../src/monitor/alert.ts'
import { startOutside, type Outside } from './flagship/outside.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface ReadRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly value?: unknown
  readonly valueBase64?: string
}

let outside: Outside
let data: string
let run: Ended

/** Runs the command line as a user does. */
function oxbow(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...process.env, ...environment }, maxBuffer: 64 * 1_048_576 }
    const child = execFile(process.execPath, ['bin/oxbow.js', ...words], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}

const runFlagship = (environment: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  oxbow(['run', 'config/market-lag.yaml', '--until-idle', '--no-http', '--data', data], {
    ...Object.fromEntries(outside.feeds.map((feed, n) => [`FEED_${n + 1}`, feed])),
    MARKET_1: 'rain-tomorrow',
    MARKET_2: 'snow-tomorrow',
    POLYMARKET_GAMMA: `${outside.url}/gamma`,
    POLYMARKET_CLOB: `${outside.url}/clob`,
    ALLOW_PRIVATE: 'true',
    ALERT_SIZE: '2',
    ...environment,
  })

async function read(topic: string): Promise<ReadRecord[]> {
  const { code, stdout, stderr } = await oxbow(['read', topic, '--json', '--data', data])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReadRecord)
}

const headersOf = ({ headers }: ReadRecord): { [name: string]: string } => Object.fromEntries(headers)

beforeAll(async () => {
  outside = await startOutside()
  data = await mkdtemp(join(tmpdir(), 'oxbow-flagship-'))
  run = await runFlagship()
}, 60_000)

afterAll(async () => {
  await outside.close()
  await rm(data, { recursive: true, force: true })
})

describe('the flagship pipeline', { timeout: 60_000 }, () => {
  it('ends well', () => {
    expect(run).toMatchObject({ code: 0 })
  })

  it('cleans and scores the articles of every kind of feed', async () => {
    const articles = await read('rss.articles')
    const byTitle = Object.groupBy(articles, ({ value }) => (value as { readonly title: string }).title)
    expect(Object.keys(byTitle).toSorted()).toEqual([
      'Election night',
      'Fog on the quay',
      'The president votes',
      'Vance leads a poll & draws a crowd',
    ])
    const [poll] = byTitle['Vance leads a poll & draws a crowd']!
    expect(poll).toMatchObject({
      key: 'River Gazette',
      value: {
        id: 'g-1',
        link: 'https://gazette.example/1',
        summary: '<p>The candidate spoke.</p>',
        published_at: '2026-01-08T09:00:00.000Z',
        source: 'River Gazette',
        source_weight: 1,
        keywords: ['vance', 'poll', 'candidate'],
        keyword_scores: { vance: 2, poll: 1.6, candidate: 0.8 },
      },
    })
    expect(byTitle['Fog on the quay']![0]!.value).toMatchObject({
      published_at: '2026-01-08T08:00:00.000Z',
      source_weight: 0.9,
      keywords: [],
    })
  })

  it('keeps the prices that are valid', async () => {
    const prices = (await read('prices.clean')).map(({ key, value }) => {
      return { key, price: (value as { readonly price: number }).price }
    })
    const of = (key: string) => prices.filter((price) => price.key === key).map(({ price }) => Number(price.toFixed(3)))
    expect(prices).toHaveLength(16)
    for (const key of ['rain-tomorrow|Yes', 'rain-tomorrow|No', 'snow-tomorrow|Yes', 'snow-tomorrow|No']) {
      expect(of(key)).toEqual([0.2, 0.3, 0.4, 0.5])
    }
  })

  it.each([
    ['rss.events', ['entry.bad_date', 'feed.unreadable', 'record.invalid']],
    ['polymarket.price_hourly', ['price.from_future', 'price.unreadable', 'record.invalid']],
  ])('dead-letters what is wrong in %s, with full context', async (source, codes) => {
    const letters = await read(`dlq.${source}`)
    expect(letters.map((letter) => headersOf(letter)['dlq.fault.code']).toSorted()).toEqual(codes)

    const sourceRecords = await read(source)
    for (const letter of letters) {
      const headers = headersOf(letter)
      expect(headers).toMatchObject({
        'dlq.id': expect.stringMatching(/^[0-9a-f]{32}$/),
        'dlq.pipeline': 'market-lag',
        'dlq.source': source,
        'dlq.operator': expect.stringMatching(/^(articles|prices)\.\w+$|\.read$/),
        'dlq.reason': expect.stringMatching(/Fault$/),
        'dlq.fault.message': expect.stringMatching(/\w/),
        'dlq.fault.stack': expect.stringMatching(/\w/),
        'dlq.fingerprint': expect.stringMatching(/^2-[0-9a-f]{16}$/),
        'dlq.attempts': '1',
        'dlq.hops': '0',
        'dlq.revision': expect.stringMatching(/^[0-9a-f]{12}$/),
        'dlq.origin.topic': source,
        'dlq.origin.partition': expect.stringMatching(/^\d+$/),
        'dlq.origin.offset': expect.stringMatching(/^\d+$/),
      })
      for (const name of ['dlq.origin.timestamp', 'dlq.failed-at', 'dlq.first-failed-at']) {
        expect(headers[name]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      }
      const origin = sourceRecords.find(({ partition, offset }) => {
        return `${partition}/${offset}` === `${headers['dlq.origin.partition']}/${headers['dlq.origin.offset']}`
      })
      expect({ key: letter.key, value: letter.value, bytes: letter.valueBase64 }).toEqual({
        key: origin!.key,
        value: origin!.value,
        bytes: origin!.valueBase64,
      })
    }
  })

  it('raises an alert for each dead-letter topic, in the log and on a topic', async () => {
    const alerts = (await read('market-lag.alerts')).map(({ value }) => value as AlertRecord)
    const raised = alerts.map(({ alert, state, topic, size }) => ({ alert, state, topic, size }))
    expect(raised).toEqual(
      ['dlq.rss.events', 'dlq.polymarket.price_hourly'].map((topic) => {
        return { alert: 'dead letters pile up', state: 'firing', topic, size: 3 }
      }),
    )
    for (const { text } of alerts) expect(run.stderr).toContain(text)
  })

  it('repeats nothing when it is run again', async () => {
    const topics = [
      'rss.events',
      'rss.articles',
      'polymarket.price_hourly',
      'prices.clean',
      'dlq.rss.events',
      'market-lag.alerts',
    ]
    const before = await Promise.all(topics.map(async (topic) => (await read(topic)).length))
    const again = await runFlagship()
    expect(again).toMatchObject({ code: 0 })
    expect(await Promise.all(topics.map(async (topic) => (await read(topic)).length))).toEqual(before)
  })
})
