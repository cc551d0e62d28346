import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { catalog } from '../../src/catalog.ts'
import { jsonSchema } from '../../src/reference/schema.ts'
import type { Shape } from '../../src/reference/shape.ts'

const root = new URL('../../', import.meta.url)
const validate = new Ajv({ strict: false, formats: { 'date-time': true, cel: true, uri: true } }).compile(
  jsonSchema(catalog),
)

/** The grammar's own sample, as far as its components are there. */
const sample = `
name: market-lag
broker: \${OXBOW_BROKER:embedded}
guarantee: exactlyOnce
sources:
  rss.events:
    rss: { feeds: ["\${FEED}", "https://example.org/feed.xml"], every: "\${EVERY:15m}" }
  polymarket.price_hourly:
    polymarket: { markets: ["\${MARKET}"], every: 1h }
  orders.v1:
    topic: { format: json }
    deadLetters: { envelope: json }
  clicks:
    file: { path: ./clicks.jsonl }
deadLetters:
  topic: dlq.{source}
  retention: 7d
  retry:
    attempts: \${ATTEMPTS:3}
    backoff: [1s, 2s, 4s]
  order: none
  envelope: headers
  halt: { ratio: 0.5, of: 1000 }
streams:
  articles:
    from: rss.events
    steps:
      - validate: { schema: ./schemas/article.json }
      - filter: record.language == 'en'
      - map: { title: record.title, at: record.published_at }
      - dedupe: { by: record.guid, within: 24h }
      - use: ./operators/score.ts
    to:
      - topic: articles.clean
  rest:
    from: [polymarket.price_hourly, orders.v1, clicks]
    to: { topic: { name: rest, partitions: 4 } }
monitor:
  every: 10s
  alerts:
    - { when: size > 1000, to: [{ log: {} }, { webhook: { url: "\${ALERT_URL}" } }] }
tests:
  - name: a price above one is dead-lettered, the next one passes
    given: { polymarket.price_hourly: "a 59m b|" }
    values: { a: { price: 1.7 }, b: { price: 0.4 } }
    expect: { rest: "- 59m b|", dlq.polymarket.price_hourly: "a 59m -|" }
`

describe('config/schema.json', () => {
  it.each(['config/demo.yaml', 'config/market-lag.yaml'])('accepts %s', (file) => {
    validate(parse(readFileSync(new URL(file, root), 'utf8')))
    expect(validate.errors).toBeNull()
  })

  it('accepts the whole grammar, with variables in place of values', () => {
    validate(parse(sample))
    expect(validate.errors).toBeNull()
  })

  const stream = { from: 'in', to: { topic: 'out' } }
  const config = { name: 'p', sources: { in: { topic: {} } }, streams: { s: stream } }

  it.each([
    ['an unknown operator', { streams: { s: { ...stream, steps: [{ fliter: 'true' }] } } }],
    ['no operator', { streams: { s: { ...stream, steps: [{}] } } }],
    ['two operators in a step', { streams: { s: { ...stream, steps: [{ filter: 'true', split: 'record' }] } } }],
    ['two sinks in one', { streams: { s: { from: 'in', to: { topic: 'out', log: {} } } } }],
    ['an unknown key', { streams: { s: { ...stream, step: [] } } }],
    ['a number for a list', { streams: { s: { ...stream, steps: 1 } } }],
    ['a stream that reads nothing', { streams: { s: { to: { topic: 'out' } } } }],
    ['a topic that cannot be', { sources: { 'a b': { topic: {} } } }],
    ['two connectors of a source', { sources: { in: { topic: {}, file: { path: 'x' } } } }],
    ['no connector of a source', { sources: { in: { partitions: 1 } } }],
    ['a duration that is none', { deadLetters: { retention: 'a week' } }],
    ['text that is neither a number nor a variable', { deadLetters: { retry: { attempts: 'three' } } }],
    ['another guarantee', { guarantee: 'exactly once' }],
  ])('refuses %s', (_, wrong) => {
    expect(validate(config)).toBe(true)
    expect(validate({ ...config, ...wrong })).toBe(false)
  })

  it('says what every field is for', () => {
    const dedupe = jsonSchema(catalog).properties!.streams!.additionalProperties as Shape
    const step = dedupe.properties!.steps!.items!.properties!.dedupe!
    expect(step.description).toMatch(/^Drops a record/)
    expect(step.properties!.within).toMatchObject({
      default: '24h',
      description: expect.stringContaining('remembered'),
    })
  })
})

it('what is generated is up to date', async () => {
  const script = fileURLToPath(new URL('src/reference/generate.ts', root))
  await promisify(execFile)(process.execPath, [script, '--check'])
})
