import { describe, expect, it } from 'vitest'
import { parse } from '../../src/operators/parse.ts'
import { MissingFieldFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { faultOf, verdicts } from '../support/outcomes.ts'
import { record } from '../support/records.ts'

type Config = Parameters<typeof parse.over>[0]

const whole = (config: Config, ...values: readonly unknown[]) => verdicts(parse.over(config, context()), ...values)

const problemOf = (config: Config, value: unknown) => faultOf(parse.over(config, context()), value)

describe('parse', () => {
  it(
    'reads a field, leaves the others, and carries on after a fault',
    marbles(({ cold, expectObservable }) => {
      const text = record({ id: 1, price: '.48' })
      const none = record({ id: 2 })
      const source = cold('  a-b-a|', { a: text, b: none })
      const expected = '     x-y-x|'

      expectObservable(source.pipe(parse.over({ field: 'price', as: 'number' }, context()))).toBe(expected, {
        x: emit(text, withValue(text, { id: 1, price: 0.48 })),
        y: fail(none, new MissingFieldFault('price')),
      })
    }),
  )

  it('reads a field inside a field and does not touch the value it came in', async () => {
    const given = { market: { outcomes: '["Yes"]', id: 1 }, at: 2 }

    expect(await whole({ field: 'market.outcomes', as: 'json' }, given)).toEqual([
      [{ market: { outcomes: ['Yes'], id: 1 }, at: 2 }],
    ])
    expect(given.market.outcomes).toBe('["Yes"]')
  })

  it('reads bytes as it reads text', async () => {
    expect(await whole({ as: 'json' }, Buffer.from('{"à":1}'))).toEqual([[{ à: 1 }]])
    expect(await whole({ as: 'text' }, Buffer.from('però'), 'però')).toEqual([['però'], ['però']])
    expect(await problemOf({ as: 'text' }, Buffer.from([0xff, 0x41]))).toBe(
      'The value cannot be read: its bytes are not UTF-8.',
    )
  })

  describe('as json', () => {
    it.each([
      ['{"card":"4111 1111', 'it is not JSON (Unterminated string in JSON at position 18 (line 1 column 19))'],
      ['mail@example.org and more than fits', "it is not JSON (Unexpected token 'm')"],
      ['', 'it is not JSON (Unexpected end of JSON input)'],
      [{ already: 1 }, 'it is of type object; expected text or bytes'],
      [null, 'it is of type null; expected text or bytes'],
    ])('says what is wrong with %j without showing it', async (value, problem) => {
      expect(await problemOf({ as: 'json' }, value)).toBe(`The value cannot be read: ${problem}.`)
    })
  })

  describe('as csv', () => {
    it('reads quoted fields, ends of lines and byte order marks as RFC 4180 has them', async () => {
      const config: Config = { as: 'csv', columns: ['a', 'b'] }

      expect(await whole(config, 'x,y', 'x,y\r\n', '\uFEFFx,y', '"x, ""y""\nz",', ',')).toEqual([
        [{ a: 'x', b: 'y' }],
        [{ a: 'x', b: 'y' }],
        [{ a: 'x', b: 'y' }],
        [{ a: 'x, "y"\nz', b: '' }],
        [{ a: '', b: '' }],
      ])
    })

    it.each([
      ['secret', 'it has 1 fields; expected 2'],
      ['secret,b,c', 'it has 3 fields; expected 2'],
      ['a,b\nc,d', 'it has 2 rows; expected one'],
      ['', 'it has 0 rows; expected one'],
      ['"secret,b', 'line 1: a quote is opened and never closed'],
      ['"a"secret,b', 'line 1: text follows a closing quote; a quote inside quotes is written twice'],
      [
        'sec"ret,b',
        'line 1: a quote stands inside an unquoted field; such a field is quoted, and its quotes written twice',
      ],
    ])('says what is wrong with the row %j without showing it', async (text, problem) => {
      expect(await problemOf({ as: 'csv', columns: ['a', 'b'] }, text)).toBe(`The value cannot be read: ${problem}.`)
    })

    it('names the columns after the first row where the config does not', async () => {
      expect(await whole({ as: 'csv', delimiter: '\t' }, 'a\tb\n1\t2\n\n3\t4\n', 'a\tb', '')).toEqual([
        [
          [
            { a: '1', b: '2' },
            { a: '3', b: '4' },
          ],
        ],
        [[]],
        [[]],
      ])
    })

    it.each([
      ['a,b\n1,2\n3', 'line 3: it has more or fewer fields than there are columns'],
      ['a,a\n1,2', 'two columns are named "a"'],
    ])('says what is wrong with the table %j', async (text, problem) => {
      expect(await problemOf({ as: 'csv' }, text)).toBe(`The value cannot be read: ${problem}.`)
    })
  })

  describe('as number', () => {
    it.each([
      ['.48', 0.48],
      ['-.5', -0.5],
      ['5.', 5],
      [' 12 ', 12],
      ['+1e3', 1000],
      ['0', 0],
      ['9007199254740991', 9007199254740991],
      [0.4, 0.4],
    ])('reads %j', async (text, number) => {
      expect(await whole({ as: 'number' }, text)).toEqual([[number]])
    })

    it.each(['', ' ', '.', '1,5', '1 000', '0x10', 'NaN', 'Infinity', '12px', '1e999', '9007199254740993', true, null])(
      'refuses %j',
      async (text) => {
        expect(await whole({ as: 'number' }, text)).toEqual(['fail number.unreadable'])
      },
    )
  })

  describe('as date', () => {
    it.each([
      ['2025-01-25T17:15:47.925Z', '2025-01-25T17:15:47.925Z'],
      ['2025-01-25T17:15:47Z', '2025-01-25T17:15:47.000Z'],
      ['2025-01-25t18:15:47+01:00', '2025-01-25T17:15:47.000Z'],
      ['20250125T171547Z', '2025-01-25T17:15:47.000Z'],
      ['2025-01-25', '2025-01-25T00:00:00.000Z'],
      ['2025-W04-6', '2025-01-25T00:00:00.000Z'],
      ['2025-01-25 18:15:47.925 +0100', '2025-01-25T17:15:47.925Z'],
      ['2020-11-02 16:31:01+00', '2020-11-02T16:31:01.000Z'],
      ['Tue, 01 Nov 2016 13:23:12 +0630', '2016-11-01T06:53:12.000Z'],
      ['1 Nov 16 13:23:12 EST', '2016-11-01T18:23:12.000Z'],
    ])('reads %j without being told its form', async (text, iso) => {
      expect(await whole({ as: 'date' }, text)).toEqual([[iso]])
    })

    it.each([
      ['unix', 1_737_825_347, '2025-01-25T17:15:47.000Z'],
      ['unix', '1737825347.5', '2025-01-25T17:15:47.500Z'],
      ['unixMillis', '1737825347925', '2025-01-25T17:15:47.925Z'],
      ['unix', -1, '1969-12-31T23:59:59.000Z'],
      ['d LLL yyyy, HH:mm', '25 Jan 2025, 18:15', '2025-01-25T18:15:00.000Z'],
    ])('reads the form %s', async (format, value, iso) => {
      expect(await whole({ as: 'date', format }, value)).toEqual([[iso]])
    })

    it('takes the zone from the config where the text has none', async () => {
      expect(await whole({ as: 'date', zone: 'Europe/Rome' }, '2026-07-05 09:30:00', '2026-07-05T09:30:00Z')).toEqual([
        ['2026-07-05T07:30:00.000Z'],
        ['2026-07-05T09:30:00.000Z'],
      ])
    })

    it.each([
      '',
      'yesterday',
      '12:30',
      '2025',
      '2025-02-31',
      '2025-02-31T00:00:00Z',
      '2025-01-25T17:61:00Z',
      '1737825347',
      'Sat, 01 Nov 2016 13:23:12 GMT',
    ])('refuses %j, which it would have to guess or bend', async (text) => {
      expect(await whole({ as: 'date' }, text)).toEqual(['fail date.unreadable'])
    })

    it('does not take milliseconds for seconds', async () => {
      expect(await whole({ as: 'date', format: 'unix' }, 1_737_825_347_925)).toEqual(['fail date.unreadable'])
    })

    it('says how numbers are read, and what form was expected', async () => {
      expect(await problemOf({ as: 'date' }, 1_737_825_347)).toBe(
        'The value cannot be read: it is a number; "format: unix" reads seconds, "format: unixMillis" milliseconds.',
      )
      expect(await problemOf({ as: 'date', format: 'dd/MM/yyyy' }, 'secret')).toBe(
        'The value cannot be read: it is not a date in the form "dd/MM/yyyy".',
      )
    })

    it.each([
      [{ format: 'HH:mm' }, /a pattern with a year/],
      [{ format: "HH:mm 'today'" }, /a pattern with a year/],
      [{ zone: 'Europe/Atlantis' }, /expected a time zone/],
      [{ columns: ['a'] }, /columns/],
    ])('refuses the config %j', (more, message) => {
      expect(() => parse.config.parse({ as: 'date', ...more })).toThrow(message)
    })
  })
})
