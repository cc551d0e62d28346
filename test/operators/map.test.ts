import { describe, expect, it } from 'vitest'
import { ExpressionFault } from '../../src/component/expression.ts'
import { map } from '../../src/operators/map.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('map', () => {
  const a = record({ title: 'Rain', price: 0.25, tags: ['x'] }, { key: Buffer.from('k'), timestamp: 1_000 })

  it(
    'makes a new object and keeps key, headers, time and origin',
    marbles(({ cold, expectObservable }) => {
      const config = { title: 'record.title', cents: 'record.price * 100', fixed: 7, key: 'key', at: 'timestamp' }

      expectObservable(cold('a|', { a }).pipe(map.over(config, context()))).toBe('e|', {
        e: emit(a, withValue(a, { title: 'Rain', cents: 25, fixed: 7, key: 'k', at: '1970-01-01T00:00:01.000Z' })),
      })
    }),
  )

  it(
    'makes the whole value',
    marbles(({ cold, expectObservable }) => {
      const config = '{title: record.title, first: record.tags[0], mixed: [1, "x", null]}'

      expectObservable(cold('a|', { a }).pipe(map.over(config, context()))).toBe('e|', {
        e: emit(a, withValue(a, { title: 'Rain', first: 'x', mixed: [1, 'x', null] })),
      })
    }),
  )

  it(
    'fails a record without the field, and carries on',
    marbles(({ cold, expectObservable }) => {
      const x = record({})
      const fault = new ExpressionFault('record.title', 'record.title is missing; has(record.title) asks first')

      expectObservable(cold('x-a|', { x, a }).pipe(map.over({ t: 'record.title' }, context()))).toBe('f-e|', {
        f: fail(x, fault),
        e: emit(a, withValue(a, { t: 'Rain' })),
      })
    }),
  )

  it(
    'fails rather than to put nothing in place of the value',
    marbles(({ cold, expectObservable }) => {
      const x = record({})

      expectObservable(cold('x|', { x }).pipe(map.over('record.?title', context()))).toBe('f|', {
        f: fail(x, new ExpressionFault('record.?title', 'gives nothing to put in place of the value')),
      })
    }),
  )

  it('says which field has the mistake', () => {
    const { error } = map.config.safeParse({ title: 'record.title', bad: 'recrod.title' })

    expect(error?.issues).toMatchObject([
      { path: ['bad'], message: expect.stringContaining('unknown variable "recrod"') },
    ])
  })

  it.each(['a.b', '__proto__'])('refuses the field name %s', (name) => {
    const given = JSON.parse(`{ ${JSON.stringify(name)}: "record.a" }`) as { [name: string]: string }
    expect(map.config.safeParse(given).success).toBe(false)
  })
})
