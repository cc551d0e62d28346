import { map, mergeAll, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import { emit } from '../../src/record/outcome.ts'
import { runTopology, ScenarioError, TopologyFailure, type TopologyTest } from '../../src/testing/index.ts'
import { findTestProblems } from '../../src/testing/runTests.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { catalogWith, operator } from '../support/pipeline.ts'

const averages = (guarantee = 'exactlyOnce') => `
name: shop
guarantee: ${guarantee}
sources: { orders: { topic: {} } }
streams:
  averages:
    from: orders
    steps:
      - keyBy: record.product
      - aggregate: { into: { orders: count, average: { average: record.price } } }
    to:
      - topic: orders.average
      - table: averages
      - file: { path: ./averages.jsonl }
`

const values = {
  a: { product: 'oar', price: 10 },
  b: { product: 'oar', price: 1000 },
  c: { product: 'oar', price: 11 },
  x: { orders: 1, average: 10 },
  y: { orders: 2, average: 505 },
  z: { orders: 3, average: 1021 / 3 },
  w: { orders: 2, average: 10.5 },
  f: { $fault: 'injected.fault', $operator: 'averages.aggregate' },
  g: { $fault: 'injected.fault', $operator: 'averages.to.file' },
}
const failed = { operator: 'averages.aggregate', record: 2 }

const failureOf = async (work: Promise<unknown>): Promise<string> => {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(TopologyFailure)
  return (thrown as Error).message
}

describe('what is kept at the end', () => {
  const given = { orders: 'ac|' }

  it('is compared as letters are, key by key', async () => {
    const { tables } = await runTopology(averages(), {
      given,
      values,
      tables: { averages: { oar: { orders: 2, average: 10.5 }, net: null } },
      state: { 'averages.aggregate': { 'g=net': null } },
    })
    expect([...tables.get('averages')!.keys()]).toEqual(['oar'])
  })

  it('says how it differs', async () => {
    const tables = { averages: { oar: { orders: 3, average: 10.5 }, net: { orders: 1 } } }
    expect(await failureOf(runTopology(averages(), { given, values, tables }))).toBe(
      [
        'expected oar in the table averages: {"orders":3,"average":10.5}',
        'found {"orders":2,"average":10.5}',
        'orders: expected 3, found 2',
        '',
        'expected net in the table averages: {"orders":1}',
        'found only oar',
      ].join('\n'),
    )
    expect(await failureOf(runTopology(averages(), { given, values, tables: { averages: { oar: null } } }))).toBe(
      'expected oar in the table averages: nothing\nfound {"orders":2,"average":10.5}',
    )
  })

  it('can be looked at with its time', async () => {
    const row = (time: string) => ({
      averages: { oar: { $value: values.w, $timestamp: `2026-01-01T00:00:00.${time}Z` } },
    })
    await runTopology(averages(), { given, values, tables: row('001') })
    expect(await failureOf(runTopology(averages(), { given, values, tables: row('002') }))).toContain('$timestamp')
  })
})

describe('an operator that fails', () => {
  it('keeps nothing of what it had changed', async () => {
    await runTopology(averages(), {
      given: { orders: 'abc|' },
      values,
      faults: [failed],
      expect: { 'orders.average': 'x-w|', 'dlq.orders': '-f-|' },
      tables: { averages: { oar: { orders: 2, average: 10.5 } } },
    })
  })

  it.each(['{ tumbling: 1h }', '{ hopping: 1h, every: 1h }', '{ sliding: 1h }', '{ session: 1h }'])(
    'keeps nothing of a window either: %s',
    async (window) => {
      const { captured } = await runTopology(averages().replace('into:', `window: ${window}, into:`), {
        given: { orders: 'abc|' },
        values,
        faults: [{ ...failed, record: 1 }],
        expect: { 'dlq.orders': 'f--|' },
      })
      const found = captured.get('orders.average')!.map(({ value }) => (value as typeof values.x).average)
      expect(found).toContain(505.5)
      expect([1000, 505.5, 11]).toEqual(expect.arrayContaining(found))
    },
  )

  it('is tried again as often as it is said to fail', async () => {
    await runTopology(averages(), {
      given: { orders: 'a|' },
      values,
      faults: [{ ...failed, record: 1, retry: true, times: 2 }],
      expect: { 'orders.average': '3s (x|)', 'dlq.orders': '3s |' },
    })
    await runTopology(averages(), {
      given: { orders: 'a|' },
      values,
      faults: [{ ...failed, record: 1, retry: true, times: 4 }],
      expect: { 'orders.average': '7s |', 'dlq.orders': '7s (f|)' },
    })
  })

  it('has to be reached', async () => {
    const test = { given: { orders: 'a|' }, values, faults: [failed, { ...failed, record: 1, retry: true, times: 9 }] }
    expect(await failureOf(runTopology(averages(), test))).toContain(
      [
        'record 2 was to fail at averages.aggregate, where 1 came',
        'record 1 was to fail 9 times at averages.aggregate, and failed 4 times',
      ].join('\n'),
    )
  })
})

describe('a sink that refuses', () => {
  it('has its record dead-lettered, which the other sinks have', async () => {
    await runTopology(averages(), {
      given: { orders: 'ac|' },
      values,
      faults: [{ sink: 'averages.to.file', record: 2 }],
      expect: { 'orders.average': 'xw|', 'averages.to.file': 'x-|', 'dlq.orders': '-g|' },
    })
  })
})

describe('a dead-letter topic that cannot be written', () => {
  it.each([
    ['exactlyOnce', 'x 3s (w|)'],
    ['atLeastOnce', 'x 1s w 1999ms (w|)'],
  ])('stops the task until it can, and nothing is lost (%s)', async (guarantee, average) => {
    await runTopology(averages(guarantee), {
      given: { orders: 'abc|' },
      values,
      faults: [failed, { deadLetters: 'dlq.orders', times: 2 }],
      expect: { 'orders.average': average, 'dlq.orders': '- 3s (f|)' },
      tables: { averages: { oar: { orders: 2, average: 10.5 } } },
    })
  })
})

describe('a crash', () => {
  const crashing = (guarantee: string, crash: NonNullable<TopologyTest['faults']>[number]['crash'], more: object) =>
    runTopology(averages(guarantee), {
      given: { orders: 'ac---|' },
      values,
      faults: [{ crash, unit: 2, topic: 'orders.average' }],
      ...more,
    })
  const exact = { averages: { oar: values.w } }

  it.each(['beforeProduce', 'afterProduce', 'afterState', 'afterCommit'] as const)(
    'leaves nothing of a unit and repeats nothing, exactly once (%s)',
    async (crash) => {
      const sink = crash === 'afterCommit' ? 'xw---|' : 'x(ww)|'
      await crashing('exactlyOnce', crash, {
        expect: { 'orders.average': 'xw---|', 'averages.to.file': sink },
        tables: exact,
      })
    },
  )

  it('leaves the outputs of a unit, which come again, at least once', async () => {
    await crashing('atLeastOnce', 'beforeProduce', { expect: { 'orders.average': 'xw---|' }, tables: exact })
    await crashing('atLeastOnce', 'afterProduce', { expect: { 'orders.average': 'x(ww)|' }, tables: exact })
    await crashing('atLeastOnce', 'afterCommit', { expect: { 'orders.average': 'xw---|' }, tables: exact })
  })

  it('counts a record twice at least once, where the state was written and the offsets were not', async () => {
    await crashing('atLeastOnce', 'afterState', { tables: { averages: { oar: { orders: 3, average: 32 / 3 } } } })
  })

  it('may come in the middle of what is kept until later, and comes once', async () => {
    await runTopology(averages(), {
      given: { orders: 'a|' },
      values,
      faults: [
        { ...failed, record: 1, retry: true, times: 2 },
        { crash: 'afterCommit', unit: 2 },
      ],
      expect: { 'orders.average': '3s (x|)' },
    })
  })

  it('has to come about', async () => {
    expect(await failureOf(crashing('exactlyOnce', 'afterProduce', { given: { orders: 'a|' } }))).toContain(
      'unit 2 of those that write to orders.average was to end in a crash, and 1 came',
    )
  })
})

describe('faults at every kind of step', () => {
  const ask = operator('ask', () => ({ concurrency: 2, each: async (record) => emit(record) }))
  const later = operator('later', () => ({
    over: (records) =>
      records.pipe(
        toArray(),
        mergeAll(),
        map((r) => emit(r)),
      ),
  }))
  const piped = (step: string, rest = '') => `
name: p
guarantee: atLeastOnce
sources: { in: { topic: {} } }
streams: { copy: { from: in, steps: [${step}], to: { topic: out } } }
${rest}`
  const own = { catalog: catalogWith({ operators: [ask, later] }) }
  const fault = (place: string) => ({ f: { $fault: 'injected.fault', $operator: place } })

  it('strike a call that is awaited', async () => {
    await runTopology(
      piped('{ ask: {} }'),
      {
        given: { in: 'ab|' },
        values: { a: 1, b: 2, ...fault('copy.ask') },
        faults: [{ operator: 'copy.ask', record: 2 }],
        expect: { out: 'a-|', 'dlq.in': '-f|' },
      },
      own,
    )
  })

  it('strike a record that leaves when it likes, also when the process crashes at that', async () => {
    await runTopology(
      piped('{ later: {} }'),
      {
        given: { in: 'abc--|' },
        values: { a: 1, b: 2, c: 3, ...fault('copy.later') },
        faults: [
          { operator: 'copy.later', record: 2 },
          { crash: 'beforeProduce', topic: 'out' },
        ],
        expect: { out: '-----(ac|)', 'dlq.in': '-----(f|)' },
      },
      own,
    )
  })

  it('strike either side of a join', async () => {
    const joined = `
name: p
sources: { left: { topic: {} }, right: { topic: {} } }
streams: { both: { from: left, steps: [{ join: { stream: right, within: 1h, as: right } }], to: { topic: out } } }`
    const values = {
      a: { $key: 'k', $value: { n: 1 } },
      x: { n: 1, right: { n: 1 } },
      f: { $fault: 'injected.fault', $operator: 'both.join.right' },
    }
    await runTopology(joined, {
      given: { left: '-a-|', right: 'a-a|' },
      values,
      faults: [{ operator: 'both.join.right', record: 1 }],
      expect: { out: '--x|', 'dlq.right': 'f--|', 'dlq.left': '---|' },
    })
  })

  it('go on by a retry topic', async () => {
    await runTopology(
      piped('{ ask: {} }', 'deadLetters: { retry: { topic: "{source}.retry" } }'),
      {
        given: { in: 'a|' },
        values: { a: 1, ...fault('copy.ask') },
        faults: [{ operator: 'copy.ask', record: 1, retry: true, times: 2 }],
        expect: { out: '3s (a|)', 'dlq.in': '3s |' },
      },
      own,
    )
  })

  it.each(['beforeProduce', 'afterProduce', 'afterState', 'afterCommit'] as const)(
    'go by a retry topic once, exactly once, where a crash comes %s of what is written there',
    async (crash) => {
      const exact = piped('{ ask: {} }', 'deadLetters: { retry: { topic: "{source}.retry" } }')
      const { captured } = await runTopology(
        exact.replace('atLeastOnce', 'exactlyOnce'),
        {
          given: { in: 'ab|' },
          values: { a: 1, b: 2 },
          faults: [
            { operator: 'copy.ask', record: 1, retry: true },
            { crash, topic: 'in.retry' },
          ],
        },
        own,
      )
      expect(
        captured
          .get('out')!
          .map(({ value }) => value as number)
          .toSorted(),
      ).toEqual([1, 2])
    },
  )

  it('leave an alert as it was', async () => {
    const alerts = 'monitor: { every: 10s, alerts: [{ name: many, when: size > 1, to: { log: {} } }] }'
    const step = 'filter: record > 0'
    await runTopology(piped(step, alerts).replace('atLeastOnce', 'exactlyOnce'), {
      given: { in: '(aa) 12s a 12s |' },
      values: { a: 1, x: { state: 'firing', size: 2 } },
      faults: [
        { operator: 'copy.filter', record: [1, 2, 3] },
        { crash: 'afterProduce', unit: 2 },
      ],
      expect: { alerts: '10s x' },
    })
  })

  it.each(['beforeProduce', 'afterProduce', 'afterState', 'afterCommit'] as const)(
    'are conserved where a crash comes %s of a unit with a record that waits',
    async (crash) => {
      const { conservation } = await runTopology(
        piped('{ ask: {} }'),
        {
          given: { in: 'ab|' },
          values: { a: 1, b: 2 },
          faults: [{ operator: 'copy.ask', record: 1, retry: true }, { crash }],
        },
        own,
      )
      expect(conservation).toMatchObject([{ read: 2, emitted: 2, dead: 0, inFlight: 0 }])
    },
  )
})

describe('a windowed count over a crash', () => {
  const counted = (guarantee: string) => `
name: counts
guarantee: ${guarantee}
sources: { clicks: { topic: {} } }
streams:
  counts:
    from: clicks
    steps:
      - keyBy: record.page
      - aggregate: { window: { tumbling: 1h }, emit: close, into: { clicks: count } }
    to: { topic: counts }
`
  const clicks = {
    given: { clicks: 'aaab 1h (ab) 1h a|' },
    values: { a: { page: 'a' }, b: { page: 'b' } },
  }
  const countsOf = async (guarantee: string, crash: 'afterProduce' | 'afterState', unit: number) => {
    const faults = [{ crash, unit }]
    const { captured } = await runTopology(counted(guarantee), { ...clicks, faults, expect: {} })
    return captured.get('counts')!.map(({ key, value }) => `${String(key)} ${(value as { clicks: number }).clicks}`)
  }

  it.each([1, 2, 3, 4, 5, 6, 8, 10])('is exact at unit %i, exactly once', async (unit) => {
    expect(await countsOf('exactlyOnce', 'afterState', unit)).toEqual(['a 3', 'b 1', 'a 1', 'b 1'])
  })

  it('may be one too many at least once, where records come again by an internal topic', async () => {
    expect(await countsOf('atLeastOnce', 'afterProduce', 1)).toEqual(['a 4', 'b 1', 'a 1', 'b 1'])
  })
})

describe('faults that cannot be meant', () => {
  const problemsOf = (test: string) =>
    findTestProblems(parseConfig(`${averages()}tests:\n  - ${test}`, 'p.yaml', catalog, {}), catalog).map(
      ({ line, column, message }) => `${line}:${column}: ${message}`,
    )

  it('are told where they stand, with what would be right', () => {
    const problems = problemsOf(`name: t
    given: { orders: '-|' }
    tables: { average: {}, averages: { oar: { $key: k } } }
    state: { averages.agregate: {} }
    faults:
      - { operator: averages.agregate, record: 1 }
      - { sink: averages.to.topic, record: 1 }
      - { deadLetters: orders }
      - { crash: afterProduce, topic: orders.averages }
      - { operator: averages.aggregate, sink: averages.to.file, record: 1 }
      - { record: 1 }
      - { operator: averages.aggregate, unit: 2 }
      - { operator: averages.aggregate, record: 1, times: 2 }
`)
    expect(problems).toMatchInlineSnapshot(`
      [
        "18:24: \`average\` is not a table of this pipeline; did you mean \`averages\`?",
        "18:45: a row of a table has \`$value\` and \`$timestamp\`, no more",
        "19:33: \`averages.agregate\` is not an operator of this pipeline; did you mean \`averages.aggregate\`?",
        "21:21: \`averages.agregate\` is not an operator of this pipeline; did you mean \`averages.aggregate\`?",
        "22:17: \`averages.to.topic\` is not an external sink of this pipeline; did you mean \`averages.to.file\`?",
        "23:24: \`orders\` is not a dead-letter topic of this pipeline; known are \`dlq.orders\`",
        "24:39: \`orders.averages\` is not a written topic of this pipeline; did you mean \`orders.average\`?",
        "25:9: expected exactly one of operator, sink, deadLetters, crash in a fault, found operator and sink",
        "26:9: expected exactly one of operator, sink, deadLetters, crash in a fault, found none",
        "27:9: which record fails at averages.aggregate? \`record: 1\` is the first that comes there",
        "27:47: \`unit\` says nothing of \`operator\`; it takes record, retry, times",
        "28:59: \`times\` counts the tries that fail: it needs \`retry: true\`",
      ]
    `)
  })

  it('are told in TypeScript too', async () => {
    const test = { given: {}, faults: [{ operator: 'averages.aggregate', record: 0 }] }
    await expect(runTopology(averages(), test)).rejects.toThrow(ScenarioError)
  })
})
