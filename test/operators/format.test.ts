import { describe, expect, it } from 'vitest'
import { format } from '../../src/operators/format.ts'
import { MissingFieldFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { faultOf, verdicts } from '../support/outcomes.ts'
import { record } from '../support/records.ts'

type Config = Parameters<typeof format.over>[0]

const formatted = (config: Config, ...values: readonly unknown[]) => verdicts(format.over(config, context()), ...values)

describe('format', () => {
  it(
    'writes a field, leaves the others, and carries on after a fault',
    marbles(({ cold, expectObservable }) => {
      const given = record({ id: 1, tags: ['a'] })
      const none = record({ id: 2 })
      const source = cold('  a-b-a|', { a: given, b: none })
      const expected = '     x-y-x|'

      expectObservable(source.pipe(format.over({ field: 'tags', as: 'json' }, context()))).toBe(expected, {
        x: emit(given, withValue(given, { id: 1, tags: '["a"]' })),
        y: fail(none, new MissingFieldFault('tags')),
      })
    }),
  )

  it('writes what parse reads: json', async () => {
    expect(await formatted({ as: 'json' }, { a: [1, 'è', null] }, null, 'x', 1.5)).toEqual([
      ['{"a":[1,"è",null]}'],
      ['null'],
      ['"x"'],
      ['1.5'],
    ])
    const circular: { self?: unknown } = {}
    circular.self = circular
    expect(await formatted({ as: 'json' }, circular, { n: 1n }, Buffer.from('x'))).toEqual([
      'fail value.unwritable',
      'fail value.unwritable',
      'fail value.unwritable',
    ])
  })

  it('quotes the fields of a row of CSV where they need it, and leaves absent and null ones empty', async () => {
    const config: Config & { as: 'csv' } = { as: 'csv', columns: ['a', 'b.c', 'd'] }

    expect(
      await formatted(
        config,
        { a: 'x, "y"', b: { c: 1 }, d: false },
        { a: 'line\nbreak', b: { c: null } },
        { a: { deep: 1 } },
        'text',
      ),
    ).toEqual([['"x, ""y""",1,false'], ['"line\nbreak",,'], 'fail value.unwritable', 'fail value.unwritable'])
    expect(await formatted({ ...config, delimiter: ';' }, { a: 'x,y', d: 'p;q' })).toEqual([['x,y;;"p;q"']])
  })

  it('fills a template; doubled braces stand for themselves', async () => {
    const template = '{{{record.market.slug}}} at {record.price}, {record.open}'

    expect(await formatted({ as: 'text', template }, { market: { slug: 'rain' }, price: 0.4, open: true })).toEqual([
      ['{rain} at 0.4, true'],
    ])
    expect(await formatted({ as: 'text', template: '{record.a}' }, {}, { a: null }, { a: { b: 1 } })).toEqual([
      'fail record.missing_field',
      'fail value.not_text',
      'fail value.not_text',
    ])
    expect(await faultOf(format.over({ as: 'text', template: '{record.a}' }, context()), { a: ['secret'] })).toBe(
      '"a" is array; a template takes text, numbers and booleans.',
    )
  })

  it.each(['{recrod.title}', '{title}', '{record.title', 'title}', '{record.a b}'])(
    'refuses the template %j',
    (template) => {
      expect(format.config.safeParse({ as: 'text', template }).error?.issues).toEqual([
        expect.objectContaining({
          path: ['template'],
          message: 'expected places to read like "{record.title}", and other braces to be doubled: "{{", "}}"',
        }),
      ])
    },
  )

  it.each([
    ['iso', 'utc', '2026-07-05T07:30:01.500Z'],
    ['rfc822', 'utc', 'Sun, 05 Jul 2026 07:30:01 +0000'],
    ['sql', 'Europe/Rome', '2026-07-05 09:30:01.500 +02:00'],
    ['unix', 'utc', 1_783_236_601],
    ['unixMillis', 'utc', 1_783_236_601_500],
    ['cccc d LLLL yyyy', 'Asia/Tokyo', 'Sunday 5 July 2026'],
  ])('writes a date as %s in %s', async (form, zone, expected) => {
    expect(await formatted({ as: 'date', format: form, zone }, '2026-07-05T07:30:01.500Z')).toEqual([[expected]])
  })

  it('fails what is not a date in ISO 8601', async () => {
    expect(
      await formatted({ as: 'date', format: 'sql' }, 'Sun, 05 Jul 2026 07:30:00 +0000', 1_783_236_601, null),
    ).toEqual(['fail date.unreadable', 'fail date.unreadable', 'fail date.unreadable'])
  })
})
