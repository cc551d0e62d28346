import { describe, expect, it } from 'vitest'
import type { TableRow } from '../../src/component/state.ts'
import { join } from '../../src/operators/join.ts'
import { left, outcomesOf, right, type JoinInput } from './join/bothSides.ts'

describe('join with a table', () => {
  const rows = new Map<string, TableRow>([['k', { value: { name: 'oar' }, timestamp: 90 }]])
  const table = () => ({ get: (key: Buffer) => rows.get(key.toString()) })
  const inner: JoinInput = { table: 'products', as: 'product' }
  const run = (config: JoinInput, ...given: Parameters<typeof left>[]) =>
    outcomesOf(
      config,
      given.map((parts) => left(...parts)),
      { table },
    )

  it('adds the row of the key, and keeps the timestamp of the record', () => {
    expect(run(inner, [5, { n: 1 }])).toEqual([[[{ n: 1, product: { name: 'oar' } }, 5]]])
  })

  it('drops a record without a row, or dead-letters it, or lets it go on', () => {
    expect(run(inner, [5, {}, 'x'])).toEqual(['drop no match'])
    expect(run({ ...inner, missing: 'deadLetter' }, [5, {}, 'x'])).toEqual(['fail join.missed'])
    expect(run({ ...inner, type: 'left' }, [5, { product: 'old' }, 'x'])).toEqual([[[{}, 5]]])
  })

  it('tells records without a key or a value', () => {
    expect(run(inner, [5, {}, null], [5, null])).toEqual(['fail record.no_key', 'drop no value'])
    expect(run({ ...inner, keyless: 'drop' }, [5, {}, null])).toEqual(['drop no key'])
    expect(run({ ...inner, type: 'left', keyless: 'keep' }, [5, { n: 1 }, null])).toEqual([[[{ n: 1 }, 5]]])
  })
})

describe('join of the latest', () => {
  const latest = (type: 'inner' | 'left' | 'outer'): JoinInput => ({ stream: 'other', latest: true, type, as: 'o' })
  const given = [
    left(1, { l: 1 }),
    right(5, 'a'),
    left(3, { l: 2 }),
    right(6, 'b'),
    right(7, null),
    left(8, { l: 3 }),
    left(9, null),
    left(9, null),
    right(4, 'c'),
    left(2, null),
    right(5, null),
    right(5, null),
  ]

  it('gives a result for each record of either side that has one on the other', () => {
    expect(outcomesOf(latest('inner'), given)).toEqual([
      [],
      [[{ l: 1, o: 'a' }, 5]],
      [[{ l: 2, o: 'a' }, 5]],
      [[{ l: 2, o: 'b' }, 6]],
      [[null, 7]],
      [],
      [],
      [],
      [],
      [[null, 4]],
      [],
      [],
    ])
  })

  it('lets records of its own stream go on alone', () => {
    expect(outcomesOf(latest('left'), given)).toEqual([
      [[{ l: 1 }, 1]],
      [[{ l: 1, o: 'a' }, 5]],
      [[{ l: 2, o: 'a' }, 5]],
      [[{ l: 2, o: 'b' }, 6]],
      [[{ l: 2 }, 7]],
      [[{ l: 3 }, 8]],
      [[null, 9]],
      [],
      [],
      [[null, 4]],
      [],
      [],
    ])
  })

  it('lets records of either go on alone', () => {
    expect(outcomesOf(latest('outer'), given).slice(6)).toEqual([
      [[null, 9]],
      [],
      [[{ o: 'c' }, 4]],
      [[{ o: 'c' }, 4]],
      [[null, 5]],
      [],
    ])
  })

  it('tells records without a key', () => {
    expect(outcomesOf(latest('outer'), [left(1, {}, null)])).toEqual(['fail record.no_key'])
    expect(outcomesOf({ ...latest('outer'), keyless: 'drop' }, [left(1, {}, null)])).toEqual(['drop no key'])
  })
})

describe('a config of join', () => {
  const problemsOf = (config: object) =>
    join.config.safeParse(config).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)

  it.each([
    [{ as: 'o' }, ': expected either `stream`, another stream or source, or `table`'],
    [{ stream: 'a', table: 'b', as: 'o' }, ': expected either `stream`, another stream or source, or `table`'],
    [
      { stream: 'a', as: 'o' },
      ': expected either `within`, how far apart records may be, `latest: true`, or `foreignKey`',
    ],
    [
      { stream: 'a', within: '1h', latest: true, as: 'o' },
      ': expected either `within`, how far apart records may be, `latest: true`, or `foreignKey`',
    ],
    [{ stream: 'a', within: '0s', as: 'o' }, 'within: expected more than no time, here or for `grace`'],
    [
      { stream: 'a', within: 3, as: 'o' },
      'within: expected a duration such as "1h", or two: `{ before: 1h, after: 0s }`',
    ],
    [{ stream: 'a', latest: true, grace: '1h', as: 'o' }, 'grace: it is for `within`'],
    [{ table: 'a', type: 'outer', as: 'o' }, 'type: a row of a table never leaves alone; expected `inner` or `left`'],
    [
      { table: 'a', within: '1h', as: 'o' },
      'within: it is for `stream`: a table has no past, and is the latest of each key',
    ],
    [{ table: 'a', type: 'left', missing: 'drop', as: 'o' }, 'missing: it is for `type: inner`'],
    [{ stream: 'a', within: '1h', keyless: 'keep', as: 'o' }, 'keyless: `keep` is for `type: left` and `outer`'],
    [
      { stream: 'a', latest: true, missing: 'drop', as: 'o' },
      'missing: with `latest` a record may meet another at any time',
    ],
    [
      { stream: 'a', within: '1h', type: 'outer', otherMissing: 'drop', as: 'o' },
      'otherMissing: with `type: outer` it leaves alone; expected `inner` or `left`',
    ],
    [
      { stream: 'a', latest: true, type: 'left', keyless: 'keep', as: 'o' },
      'keyless: the latest of no key is nothing; expected `deadLetter` or `drop`',
    ],
  ])('%j is refused', (config, problem) => expect(problemsOf(config)).toEqual([problem]))
})
