import fc from 'fast-check'
import { expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import { findTestProblems } from '../../src/testing/runTests.ts'
import { ConfigError, parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'

const valid = `
name: market-lag
broker: \${OXBOW_BROKER:embedded}
guarantee: exactlyOnce
sources:
  rss.events:
    rss: { feeds: ["https://example.org/feed.xml"], every: 15m }
    deadLetters: { retry: { attempts: 1, backoff: [1s] }, envelope: json }
  prices: &prices
    topic: { format: json }
    partitions: 4
  clicks:
    file: { path: ./clicks.jsonl }
deadLetters:
  topic: dlq.{source}
  retention: 7d
  halt: { ratio: 0.5, of: 1000 }
streams:
  articles:
    from: [rss.events, clicks]
    steps:
      - filter: record.language == 'en'
      - map: { title: record.title, at: record.published_at }
      - dedupe: { by: record.guid, within: 24h }
    to:
      - topic: articles.clean
      - file: { path: ./articles.jsonl }
  sorted:
    from: prices
    steps:
      - branch: { high: record.price > 0.5, low: true }
  high: { from: sorted.high, to: { topic: high } }
  low: { from: [sorted.low, high], to: { topic: low } }
monitor:
  every: 10s
  alerts:
    - { when: size > 1000, to: [{ log: {} }, { webhook: { url: "\${ALERT_URL:http://localhost/}" } }] }
tests:
  - name: a price
    given: { prices: "a 59m b|" }
    values: { a: { price: 1.7 }, b: { price: 0.4 } }
    expect: { high: "a 59m -|", low: "- 59m b|" }
`

/** Checks a config as \`oxbow check\` does. */
function check(text: string): void {
  const file = parseConfig(text, 'pipeline.yaml', catalog, {})
  resolvePlan(file, catalog)
  findTestProblems(file, catalog)
}

/** Whatever it is, it is either a pipeline or a list of mistakes with their places. */
function expectAnswer(text: string): void {
  try {
    check(text)
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ConfigError)
    const { problems } = thrown as ConfigError
    expect(problems.length).toBeGreaterThan(0)
    const lines = text.split(/\r\n|\r|\n/).length
    for (const { file, line, column, message } of problems) {
      expect({ file, line, column }).toEqual({
        file: 'pipeline.yaml',
        line: expect.toSatisfy((value: number) => value >= 1 && value <= lines),
        column: expect.toSatisfy((value: number) => value >= 1),
      })
      expect(message).toMatch(/\S/)
      expect(message).not.toMatch(/\n|\[object Object\]|Invalid input/)
    }
  }
}

it('the config that the others are made of is valid', () => {
  expect(() => check(valid)).not.toThrow()
})

const place = fc.nat(valid.length)
const scrap = fc.oneof(
  fc.constantFrom(
    ': ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a ',
    '*prices',
    '<<: *prices',
    '!!set ',
    '${X}',
    '#',
    '|',
    '?',
  ),
  fc.string({ maxLength: 8, unit: 'binary' }),
  fc.tuple(place, fc.nat(40)).map(([from, length]) => valid.slice(from, from + length)),
)

it('damaged YAML is answered with its mistakes', () => {
  const damage = fc.array(fc.record({ at: place, remove: fc.nat(12), insert: scrap }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(damage, (cuts) => {
      expectAnswer(
        cuts.reduce((text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove), valid),
      )
    }),
    { numRuns: 500 },
  )
}, 60_000)

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

const names = [...new Set(valid.match(/\w[\w.]*/g))]
const anything: fc.Arbitrary<Json> = fc.letrec<{ node: Json }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Json>(null, true, 0, -1, 1.5, '', '10s', 'record.price', ...names),
    fc.string({ maxLength: 6 }),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom(...names, '__proto__', 'constructor'), fc.string({ maxLength: 5 })),
      tie('node'),
      {
        maxKeys: 4,
      },
    ),
  ),
})).node

it('any document is answered with its mistakes', () => {
  fc.assert(
    fc.property(anything, (document) => expectAnswer(JSON.stringify(document))),
    { numRuns: 300 },
  )
}, 60_000)

/** The document with another node at a place, counted through all its nodes. */
function withNode(document: Json, at: number, node: Json): Json {
  let count = at
  const visit = (here: Json): Json => {
    if (count-- === 0) return node
    if (Array.isArray(here)) return here.map(visit)
    if (here === null || typeof here !== 'object') return here
    return Object.fromEntries(Object.entries(here).map(([name, inner]) => [name, visit(inner)]))
  }
  return visit(document)
}

it('a config with something else in any place is answered with its mistakes', () => {
  const whole = parseConfig(valid, 'pipeline.yaml', catalog, {}).plain as Json
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(130), anything), { minLength: 1, maxLength: 3 }), (changes) => {
      const changed = changes.reduce((document, [at, node]) => withNode(document, at, node), whole)
      expectAnswer(JSON.stringify(changed, null, 2))
    }),
    { numRuns: 500 },
  )
}, 60_000)
