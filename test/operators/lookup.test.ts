import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LookupMissedFault, lookup } from '../../src/operators/lookup.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { faultOf, verdicts } from '../support/outcomes.ts'
import { record } from '../support/records.ts'

type Config = Parameters<typeof lookup.over>[0]

const weights = { by: 'record.source', on: 'source', as: 'feed' }
const table = [{ source: 'blog', weight: 0.2 }]

function directoryWith(name: string, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-lookup-'))
  writeFileSync(join(directory, name), text)
  return directory
}

const inTable = (text: string, name: string, config: Partial<Config> = {}) =>
  lookup.over({ ...weights, table: `./${name}`, ...config }, context({ directory: directoryWith(name, text) }))

describe('lookup', () => {
  const known = record({ source: 'blog' })
  const unknown = record({ source: 'radio' })
  const missed = new LookupMissedFault('No row has the "source" that "record.source" gives.')

  it.each([
    ['fail', fail(unknown, missed)],
    ['drop', drop(unknown, 'lookup missed')],
    ['keep', emit(unknown)],
  ] as const)('adds the row that is found; missing: %s decides where there is none', (missing, outcome) => {
    marbles(({ cold, expectObservable }) => {
      const source = cold('  a-b-a|', { a: known, b: unknown })
      const expected = '     x-y-x|'

      expectObservable(source.pipe(lookup.over({ ...weights, table, missing }, context()))).toBe(expected, {
        x: emit(known, withValue(known, { source: 'blog', feed: { source: 'blog', weight: 0.2 } })),
        y: outcome,
      })
    })()
  })

  it('fails a record without a row unless told otherwise', async () => {
    expect(await verdicts(lookup.over({ ...weights, table }, context()), { source: 'radio' })).toEqual([
      'fail lookup.missed',
    ])
  })

  it.each([
    ['weights.csv', 'source,weight\nblog,0.2\n"ga,zette",0.9\n', '0.2'],
    ['weights.jsonl', '{"source":"blog","weight":0.2}\n\n{"source":"ga,zette","weight":0.9}', 0.2],
    ['weights.json', '[{"source":"blog","weight":0.2},{"source":"ga,zette"}]', 0.2],
  ])('reads %s beside the config', async (name, text, weight) => {
    expect(await verdicts(inTable(text, name), { source: 'blog' }, { source: 'radio' })).toEqual([
      [{ source: 'blog', feed: { source: 'blog', weight } }],
      'fail lookup.missed',
    ])
  })

  it('takes numbers and their text for the same key', async () => {
    const over = inTable('id,name\n7,rain\n', 'markets.csv', { by: 'record.id', on: 'id', as: 'found' })

    expect(await verdicts(over, { id: 7 }, { id: '7' }, { id: '07' })).toEqual([
      [{ id: 7, found: { id: '7', name: 'rain' } }],
      [{ id: '7', found: { id: '7', name: 'rain' } }],
      'fail lookup.missed',
    ])
  })

  it('looks up whatever the expression computes', async () => {
    const over = lookup.over({ ...weights, by: 'record.a + record.b', table }, context())

    expect(await verdicts(over, { a: 'bl', b: 'og' }, { a: 'bl' })).toEqual([
      [{ a: 'bl', b: 'og', feed: table[0] }],
      'fail expression.failed',
    ])
  })

  it('says of what type a key is that can be none', async () => {
    expect(await faultOf(lookup.over({ ...weights, table }, context()), { source: { name: 'secret' } })).toBe(
      '"record.source" gives object, which is no key; expected text or a number.',
    )
  })

  it.each([
    ['t.csv', 'source,w\nblog,1\ngazette,2\nblog,3\n', 'line 2 and line 4 have the same key "blog" in "source"'],
    ['t.csv', 'name,w\nblog,1\n', 'line 2: no key in "source"; it has name, w'],
    ['t.csv', 'source,w\n,1\n', 'line 2: no key in "source"; it has source, w'],
    ['t.csv', 'source,w\nblog\n', 'line 2: it has more or fewer fields than there are columns'],
    ['t.jsonl', '{"source":"blog"}\n{"source":', 'line 2: it is not JSON (Unexpected end of JSON input)'],
    ['t.jsonl', '{"source":"1"}\n\n{"source":1}', 'line 1 and line 3 have the same key "1" in "source"'],
    ['t.json', '{"source":"blog"}', 'it is of type object; expected a list of objects'],
    ['t.json', '[{"source":"blog"},{"source":"blog"}]', 'row 1 and row 2 have the same key "blog" in "source"'],
    ['t.json', '["blog"]', 'row 1: expected an object, found string'],
    ['t.txt', 'blog', 'expected a .csv, .json or .jsonl file'],
  ])('refuses to be built with %s of %j', (name, text, message) => {
    expect(() => inTable(text, name)).toThrow(message)
  })

  it('refuses a table that is not there, or too large to hold', () => {
    expect(() => inTable('', 'there.csv', { table: './gone.csv' })).toThrow(
      'the table "./gone.csv" cannot be read from ',
    )

    const directory = directoryWith('huge.csv', '')
    truncateSync(join(directory, 'huge.csv'), 64 * 1024 * 1024 + 1)
    expect(() => lookup.over({ ...weights, table: 'huge.csv' }, context({ directory }))).toThrow(
      'it is 67108865 bytes; at most 67108864 are held in memory',
    )
  })
})
