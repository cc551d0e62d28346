import { describe, expect, it } from 'vitest'
import { describeResults, findTestProblems, runTests, summarizeResults } from '../../src/testing/runTests.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { catalogWith } from '../support/pipeline.ts'

const catalog = catalogWith({})
const file = (tests: string) =>
  parseConfig(
    `name: p
sources: { in: { topic: {} } }
streams: { copy: { from: in, to: { topic: out } } }
tests:
${tests}`,
    'p.yaml',
    catalog,
    {},
  )

const passing = `
  - name: it is copied
    given: { in: "a 1h |" }
    values: { a: 1 }
    expect: { out: "a 1h |", dlq.in: "- 1h |" }`
const failing = `
  - name: it is doubled
    given: { in: a }
    values: { a: 1 }
    expect: { out: (aa) }`

describe('the tests inside a config', () => {
  it('pass or fail one by one', async () => {
    const results = await runTests(file(passing + failing), catalog)
    expect(describeResults(results)).toBe(
      [
        '✓ it is copied',
        '✗ it is doubled',
        '    given     in   a---',
        '    expected  out  (aa)',
        '    actual    out  a---',
        '                   ^',
        '    expected a at 0ms: 1',
        '    found nothing more',
        '',
      ].join('\n'),
    )
    expect(summarizeResults(results)).toBe('1 passed, 1 failed')
  })

  it('can be chosen by name', async () => {
    expect(await runTests(file(passing + failing), catalog, { filter: 'COPIED' })).toEqual([{ name: 'it is copied' }])
  })

  it('say where they cannot be meant, all at once, and none is run', async () => {
    const wrong = `
  - name: wrong
    given: { in: ab }
    values: { a: 1 }
    expect:
      ouut: a`
    expect(findTestProblems(file(passing), catalog)).toEqual([])
    expect(findTestProblems(file(passing + wrong), catalog)).toMatchObject([{ line: 11 }, { line: 14 }])
    await expect(runTests(file(passing + wrong), catalog)).rejects.toThrow(
      [
        'p.yaml:11:18: `b` without a value under `values`',
        'p.yaml:14:13: `ouut` is not a topic, dead-letter topic or sink of this pipeline; did you mean `out`?',
      ].join('\n'),
    )
  })

  it('have to look at something', () => {
    expect(() => file('\n  - { name: nothing, given: { in: "-" } }')).toThrow('expected `expect`, `tables` or `state`')
  })
})
