import { describe, expect, it } from 'vitest'
import { set } from '../../src/operators/set.ts'
import { UnplaceableFieldFault } from '../../src/record/change.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('set', () => {
  it(
    'sets fields on a copy',
    marbles(({ cold, expectObservable, flush }) => {
      const a = record({ id: 1, meta: { lang: 'en' } })
      const config = { 'meta.kind': "'order'", id: 'record.id + 1', was: 'record.id', gone: 'record.?nope' }

      expectObservable(cold('a|', { a }).pipe(set.over(config, context()))).toBe('e|', {
        e: emit(a, withValue(a, { id: 2, meta: { lang: 'en', kind: 'order' }, was: 1 })),
      })
      flush()
      expect(a.value).toEqual({ id: 1, meta: { lang: 'en' } })
    }),
  )

  it(
    'fails a field that cannot be placed, and carries on',
    marbles(({ cold, expectObservable }) => {
      const x = record({ title: 'Regen' })
      const a = record({})

      expectObservable(cold('x-a|', { x, a }).pipe(set.over({ 'title.en': "'Rain'" }, context()))).toBe('f-e|', {
        f: fail(x, new UnplaceableFieldFault('title.en', 'title', 'string')),
        e: emit(a, withValue(a, { title: { en: 'Rain' } })),
      })
    }),
  )

  it.each(['__proto__', 'a.__proto__.b', 'a..b', ''])('refuses the path "%s"', (path) => {
    const given = JSON.parse(`{ "a": 1, ${JSON.stringify(path)}: "1" }`) as { [path: string]: number }
    expect(set.config.safeParse(given).success).toBe(false)
  })
})
