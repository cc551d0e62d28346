import { expect, test } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import { parseConfig } from '../../src/topology/read.ts'

const config = `name: p
sources:
  orders: { topic: {} }
streams:
  s:
    from: orders
    steps:
      - aggregate: { window: { tumbling: 1h }, into: { n: count } }
    to: { topic: out }
deadLetters: { retry: { attempts: 3, backoff: [1s] } }
`

test.each([
  [
    'topic: out',
    'topic: "out put"',
    ['9:18: `streams.s.to.topic`: expected a topic name: up to 249 of a-z A-Z 0-9 . _ -'],
  ],
  ['topic: out', 'topic: "${X"', ['9:18: `${X` has no end: expected ${NAME} or ${NAME:default}']],
  ['topic: out', 'topic: "${X:a"', ['9:18: `${X` has no end: expected ${NAME} or ${NAME:default}']],
  ['topic: out', 'topic: ${X}', ['9:19: not valid YAML: between { } and [ ], put ${...} in quotes']],
  [
    'topic: out',
    'topic: "${X}"',
    ['9:18: the environment variable X is not set; set it, or give a default: ${X:default}'],
  ],
  ['topic: out', 'topic: { name: out, partitions: 0 }', ['9:43: `streams.s.to.topic.partitions`: expected at least 1']],
  ['tumbling: 1h', 'tumbling: 60', ['is a number: expected a duration such as "500ms", "10m" or "7d"']],
  [
    'into: {',
    'emit: closed, into: {',
    ['`streams.s.steps.0.aggregate.emit`: expected "update" or "close"; did you mean "close"?'],
  ],
  ['from: orders', 'from: []', ['6:11: `streams.s.from`: expected at least 1 in the list']],
  [
    '{ topic: {} }',
    '{ topic: { format: xml } }',
    ['`sources.orders.topic.format`: expected one of "json", "text", "bytes"'],
  ],
  [
    'retry: {',
    'topic: a b, retry: {',
    ['`deadLetters.topic`: expected a topic name, in which {source} stands for the source'],
  ],
  ['retry: {', 'halt: { ratio: 2, of: 9 }, retry: {', ['`deadLetters.halt.ratio`: expected at most 1']],
  [
    'name: p',
    'name: p\ntests: [{ name: a, at: noon, given: {}, expect: {} }]',
    ['expected a date and a time of ISO 8601, such as "2026-01-31T12:00:00Z"'],
  ],
  [
    '- aggregate:',
    '- parse: { as: xml }\n      - aggregate:',
    ['is a string: expected one of "json", "csv", "text", "number", "date"'],
  ],
  [
    '- aggregate:',
    '- join: { stream: orders, latest: no, as: o }\n      - aggregate:',
    ['`streams.s.steps.0.join.latest`: expected true'],
  ],
  [
    '- aggregate:',
    '- enrich: { url: "https://a.b" }\n      - aggregate:',
    ['is missing: expected the path of a field, such as "order.id"'],
  ],
])('%s that became %j is said in plain words', (right, wrong, messages) => {
  const read = () =>
    parseConfig(
      config.replace(right, () => wrong),
      'p.yaml',
      catalog,
      {},
    )
  let said: string[] = []
  try {
    read()
  } catch (thrown) {
    said = (thrown as Error).message.split('\n')
  }
  expect(said).toEqual(messages.map((message) => expect.stringContaining(message)))
})
