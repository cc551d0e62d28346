import { describe, expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import type { OutputRecord } from '../../src/record/record.ts'
import { testOfLetter, type LetterTestOptions } from '../../src/redrive/letterTest.ts'
import { runTopology } from '../../src/testing/index.ts'
import { runTests } from '../../src/testing/runTests.ts'
import { encode } from '../../src/topology/encoded.ts'
import { withTest } from '../../src/topology/appendTest.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { output, startPipeline } from '../support/pipeline.ts'
import { lettersOf } from '../support/redrive.ts'

const config = (steps: string, more = '') => `name: p
sources: { in: { topic: {} } }
streams:
  one:
    from: in
    steps: [${steps}]
    to: { topic: out }
${more}`

const needsPrice = "{ filter: 'record.price > 1' }"

/** The first letter of a pipeline that was given records, as a test for a config: its own, or another. */
async function madeOf(
  yaml: string,
  records: readonly OutputRecord[],
  more: Partial<LetterTestOptions> = {},
  other = yaml,
) {
  const { pipeline, broker } = await startPipeline(yaml, catalog, { before: records, once: false })
  await pipeline.quiet()
  const [letter] = await lettersOf(broker)
  const plan = resolvePlan(parseConfig(other, 'other.yaml', catalog, {}), catalog)
  const made = await testOfLetter(letter!, { plan, broker, redact: [], ...more })
  const run = async (text: string) => {
    const results = await runTests(parseConfig(withTest(text, made), 'p.yaml', catalog, {}), catalog)
    return results.map(({ failure }) => failure === undefined)
  }
  return { made, letter: letter!, run, text: withTest(other, made), broker, pipeline }
}

describe('the test of a dead letter', () => {
  it('fails as the letter did, and passes when the config is mended', async () => {
    const headers = [
      ['trace', Buffer.from('abc')],
      ['trace', null],
      ['raw', Buffer.from([0xff])],
    ] as const
    const record = output('in', { price: 'x', id: 1 }, { key: Buffer.from('k'), headers, timestamp: 5_000 })
    const { made, run, text, letter } = await madeOf(config(needsPrice), [record])
    expect(made).toMatchObject({ fails: true, hasState: false, failures: [{ code: 'expression.failed' }] })
    expect(text).toContain(`# Dead letter ${letter.id} (dlq.in/0/0) of in/0/0`)
    expect(made.test).toMatchObject({
      at: new Date(letter.firstFailedAt).toISOString(),
      values: {
        a: {
          $key: 'k',
          $value: { price: 'x', id: 1 },
          $headers: [
            ['trace', 'abc'],
            ['trace', null],
            ['raw', { base64: '/w==' }],
          ],
          $timestamp: '1970-01-01T00:00:05.000Z',
        },
      },
      expect: { 'dlq.in': '-' },
    })
    expect(await run(config(needsPrice))).toEqual([false])
    expect(await run(config('{ filter: double(record.id) > 0.5 }'))).toEqual([true])
  })

  it.each([
    ['no JSON', Buffer.from('no json')],
    ['no text', Buffer.from([0xfe, 0x00])],
    ['empty', Buffer.alloc(0)],
    ['what a config would fill in', Buffer.from('{"price":"${HOME}"}')],
    ['numbers of many digits', Buffer.from('{"price":"x","n":12345678901234567890.0}')],
    ['a merge key', Buffer.from('{"price":"x","<<":{"a":1}}')],
  ])('has the value byte for byte: %s', async (_, value) => {
    const { made, run, text } = await madeOf(config(needsPrice), [output('in', value)])
    expect(made.fails).toBe(true)
    expect(await run(config(needsPrice))).toEqual([false])
    const [test] = parseConfig(text, 'p.yaml', catalog, {}).config.tests
    const { $raw } = test!.values!.a as { $raw: string | { base64: string } }
    expect(typeof $raw === 'string' ? Buffer.from($raw) : Buffer.from($raw.base64, 'base64')).toEqual(value)
  })

  it('has the state that the steps read for it, and no other', async () => {
    const steps =
      "{ keyBy: record.k }, { aggregate: { into: { n: count } } }, { filter: 'record.n < 2 || record.none' }"
    const yaml = config(steps)
    const records = [1, 2, 3].flatMap((n) => [output('in', { k: 'a', price: n }), output('in', { k: 'b', price: n })])
    const { made, text } = await madeOf(yaml, records.slice(0, 3))
    expect(made).toMatchObject({ hasState: true })
    expect(JSON.stringify(made.test)).toContain('=a')
    expect(JSON.stringify(made.test)).not.toContain('=b')
    expect(text).toContain('before:')
  })

  it('has the row of a table that a join read', async () => {
    const yaml = `name: p
sources: { in: { topic: {} }, names: { topic: {} } }
streams:
  known: { from: names, to: { table: known } }
  one:
    from: in
    steps: [{ join: { table: known, as: name } }, { filter: record.name.rank > 1.0 }]
    to: { topic: out }
`
    const { made, run } = await madeOf(yaml, [
      output('names', { rank: 'low' }, { key: Buffer.from('k') }),
      output('names', { rank: 7 }, { key: Buffer.from('other') }),
      output('in', { n: 1 }, { key: Buffer.from('k'), timestamp: 2_000 }),
    ])
    expect(made).toMatchObject({ fails: true, hasState: true })
    expect(made.test).toMatchObject({ before: { tables: { known: { k: { $value: { rank: 'low' } } } } } })
    expect(await run(yaml)).toEqual([false])
    expect(await run(yaml.replace('record.name.rank > 1.0', "record.name.rank == 'low'"))).toEqual([true])
  })

  it('says what was found where it does not fail as the letter did', async () => {
    const record = output('in', { price: 'x' })
    const mended = config("{ filter: 'true' }")
    expect((await madeOf(config(needsPrice), [record], {}, mended)).made).toMatchObject({ fails: false, failures: [] })
    const other = config('{ validate: { schema: { type: object, required: [id] } } }')
    expect((await madeOf(config(needsPrice), [record], {}, other)).made).toMatchObject({
      fails: false,
      failures: [{ code: 'record.invalid', operator: 'one.validate' }],
    })
  })

  it('masks fields by values of the same type and shape, in the comment too', async () => {
    const value = {
      price: 'x',
      who: { mail: 'Ann1@b.org', age: -7, tall: true, ids: [1.25, 'a'] },
      list: [{ mail: 'z' }],
    }
    const { made, text } = await madeOf(config("{ filter: 'record.who.mail > 1' }"), [output('in', value)], {
      redact: ['who', 'list.mail'],
    })
    expect(made.fails).toBe(true)
    expect(made.test).toMatchObject({
      values: {
        a: {
          $value: {
            price: 'x',
            who: { mail: 'Xxx0@x.xxx', age: -1, tall: false, ids: [1.5, 'x'] },
            list: [{ mail: 'x' }],
          },
        },
      },
    })
    expect(text).not.toContain('Ann1')
    expect(text).toContain('# Masked: who, list.mail')
  })

  it('masks all of a value whose fields nobody can tell', async () => {
    const { made } = await madeOf(config(needsPrice), [output('in', Buffer.from('{mail: "Ann1@b.org"'))], {
      redact: ['mail'],
    })
    expect(made).toMatchObject({ fails: true, test: { values: { a: { $raw: '{xxxx: "Xxx0@x.xxx"' } } } })
  })

  it('fails in the time that a fault is tried again', async () => {
    const asked = (attempts: number) =>
      config(
        "{ enrich: { url: 'http://127.0.0.1:1/{record.id}', as: answer, allowPrivate: true } }",
        `deadLetters: { retry: { attempts: ${attempts} } }\n`,
      )
    const { made, run } = await madeOf(asked(0), [output('in', { id: 1 })], {}, asked(3))
    expect(made).toMatchObject({ fails: true, failures: [{ code: 'http.unavailable' }] })
    expect(await run(asked(3))).toEqual([false])
  })
})

describe('what is kept when a test begins', () => {
  const yaml = `name: p
sources: { in: { topic: {} } }
streams:
  one:
    from: in
    steps: [{ aggregate: { into: { n: count, ids: { distinct: record.id } } } }]
    to: [{ topic: out }, { table: kept }]
`
  const given = { in: 'a|' }
  const a = (n: number) => ({ $key: 'k', $value: { id: n } })

  it('is there for the steps', async () => {
    const { state, tables } = await runTopology(yaml, { given, values: { a: a(1) }, expect: {} })
    const [[key, value] = ['', '']] = state.get('one.aggregate')!
    const $raw = { base64: encode(value).toString('base64') }
    const before = {
      state: { 'one.aggregate': { [key]: { $raw } } },
      tables: { kept: { k: { n: 1 }, other: { $value: { n: 7 }, $timestamp: 5 } } },
    }
    const second = await runTopology(yaml, {
      ...{ given, before, values: { a: a(2), x: { $value: { ids: 2, n: 2 } } } },
      ...{
        expect: { out: 'x' },
        tables: { kept: { k: { ids: 2, n: 2 }, other: { $value: { n: 7 }, $timestamp: 5 } } },
      },
    })
    expect(tables.get('kept')!.size).toBe(1)
    expect(second.tables.get('kept')!.size).toBe(2)
  })

  it('is of tables and operators that there are', async () => {
    const before = { state: { nobody: { k: 1 } }, tables: { kept: { k: null } } }
    const run = runTopology(yaml, { given, before, values: { a: a(1) } })
    await expect(run).rejects.toThrow(
      /before.tables.kept.k: a row .* has a value\nbefore.state.nobody: `nobody` is not/,
    )
  })
})
