import { describe, expect, it } from 'vitest'
import { compile, condition, expression, ExpressionFault, predicate } from '../../src/component/expression.ts'
import type { Record } from '../../src/record/record.ts'
import { record as recordOf } from '../support/records.ts'

const value = {
  price: 0.5,
  count: 3,
  big: 2 ** 53,
  text: 'abc',
  none: null,
  yes: true,
  list: [1, 2, 3],
  tags: ['b', 'a'],
  order: { id: 7, lines: [{ sku: 'x', n: 2 }] },
  at: '2026-01-08T12:30:00Z',
  seconds: 1_700_000_000,
}
const now = Date.UTC(2026, 0, 8, 13)
const record = recordOf(value, {
  key: Buffer.from('k1'),
  timestamp: 5_000,
  headers: [
    ['trace', Buffer.from('first')],
    ['trace', Buffer.from('last')],
    ['empty', null],
  ],
})

const of = (text: string | number | boolean | null, over: Record = record): unknown =>
  expression().parse(text).of(over, now)
const issue = (text: string) => expression().safeParse(text).error?.issues[0]?.message
const fault = (text: string): string => {
  try {
    return `no fault, but ${JSON.stringify(of(text))}`
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ExpressionFault)
    expect(thrown).toMatchObject({ code: 'expression.failed', disposition: 'deadLetter' })
    return (thrown as Error).message
  }
}

describe('what an expression gives', () => {
  it.each([
    // Numbers of JSON are doubles; integers that are written mix with them.
    ['record.price < 1', true],
    ['record.count == 3', true],
    ['3 == record.count', true],
    ['record.count != 3.0', false],
    ['record.price * 2', 1],
    ['2 * record.price + 1', 2],
    ['1 - record.price', 0.5],
    ['record.count / 2', 1.5],
    ['record.count % 2 == 1', true],
    ['5 % record.count', 2],
    ['-record.count', -3],
    ['7 / 2', 3],
    ['7 / 2.0', 3.5],
    ['1 == 1.0', true],
    ['record.count in [1, 2, 3]', true],
    ['record.list == [1, 2, 3]', true],
    ['record.list[record.list[0]]', 2],
    ['record.big + 1', 2 ** 53],
    ['string(9223372036854775807)', '9223372036854775807'],
    ['int(record.price)', 0],
    ["double('1.5') + record.count", 4.5],
    // Functions.
    ['min(1, record.price)', 0.5],
    ['max(record.price, 2)', 2],
    ['max(record.list)', 3],
    ['min([2, record.price])', 0.5],
    ['sum(record.list)', 6],
    ['abs(-2) + abs(-0.5)', 2.5],
    ['round(2.5) + round(-2.5)', 0],
    ['round(1.005, 2)', 1.01],
    ['round(1e21, 2)', 1e21],
    ['floor(-0.5) + ceil(0.5)', 0],
    ["record.text.upper() + 'DE'.lower()", 'ABCde'],
    ["' a b '.trim().replace(' ', '-')", 'a-b'],
    ["'a,b'.split(',').join('+')", 'a+b'],
    ['size(record.text) + record.text.size()', 6],
    ['has(record.order.id) && !has(record.order.nope)', true],
    ['record.list.map(n, n * 2).filter(n, n > 2)', [4, 6]],
    ["record.order.lines.exists(line, line.sku == 'x')", true],
    ['record.tags.all(tag, tag.matches("^[a-z]$"))', true],
    // What a value is made of.
    ["{title: 'x', n: 1, key: record.price, 'a b': null}", { title: 'x', n: 1, key: 0.5, 'a b': null }],
    // As in all of CEL, a side that fails does not count where the other side decides.
    ['record.nope == 1 || record.yes', true],
    ['record.yes || record.nope == 1', true],
    ['record.nope == 1 && !record.yes', false],
    ['[1, "x", null, {a: [record.count]}]', [1, 'x', null, { a: [3] }]],
    ['record.order', value.order],
    ['record.?nope', undefined],
    ['record.?nope.orValue(1)', 1],
    ['{a: record.?nope, b: [record.?nope, 1]}', { b: [1] }],
    ['record.text == null', false],
    ['record.none == null', true],
    ['record.text == 3', false],
    ["b'hi'", Buffer.from('hi')],
    ['1u', 1],
    // Time.
    ['now', '2026-01-08T13:00:00.000Z'],
    ['timestamp', '1970-01-01T00:00:05.000Z'],
    ['now - timestamp(record.at)', '1800s'],
    ["timestamp(record.at) > now - duration('1h')", true],
    ['timestamp(record.seconds)', '2023-11-14T22:13:20.000Z'],
    ["timestamp('2026-01-08 12:00:00.5+01:00')", '2026-01-08T11:00:00.500Z'],
    ['string(timestamp) + string(duration("90m"))', '1970-01-01T00:00:05.000Z5400s'],
    ['int(timestamp)', 5],
    // The other variables.
    ['key', 'k1'],
    ['headers.trace', 'last'],
    ['headers.empty == null', true],
    ["'nope' in headers", false],
    ['headers', { trace: 'last', empty: null }],
    ["origin.topic + '/' + string(origin.offset)", `in/${record.origin.offset}`],
  ])('%s', (text, expected) => {
    expect(of(text)).toEqual(expected)
  })

  it.each([[3], [0.5], [true], [null]])('%s as YAML has it', (scalar) => {
    expect(of(scalar)).toBe(scalar)
  })

  it('has no key where the record has none, and a tombstone is null', () => {
    expect(of('key == null && record == null', recordOf(null))).toBe(true)
  })

  it('sees bytes', () => {
    expect(of('size(record)', recordOf(Buffer.from('abc')))).toBe(3)
  })
})

describe('what is wrong before the start', () => {
  it.each([
    ['recrod.x', 'unknown variable "recrod" at character 1: there are record, key, headers, timestamp, now, origin'],
    [
      'article',
      `unknown variable "article" at character 1: there are record, key, headers, timestamp, now, origin; for a text write "'article'"`,
    ],
    ['1 + lower(record.x)', 'lower() cannot be used on (dyn) at character 5'],
    ['record.x.low()', 'unknown function "low" at character 1; there is lowerAscii, lower'],
    ['nope(1)', 'unknown function "nope" at character 1'],
    ['1 +', 'unexpected end at character 4'],
    ['', 'unexpected end at character 1'],
    ["record.a = 'x'", `unexpected character: = at character 10; equality is "=="`],
    ['record.a and record.b', `unexpected character: 'd' at character 10; logic is "&&", "||" and "!"`],
    ["'a' + 1", 'no such overload: string + int at character 1'],
    [
      "record.a ? 1 : 'x'",
      "ternary branches must have the same type, got 'int' and 'string' at character 1; dyn(...) around both allows it",
    ],
    ["record.a.matches('(a')", 'error parsing regexp: missing closing ): `(a`'],
    ["record.a.matches('(?=a)')", 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
    ["duration('1 hour')", 'invalid duration string: 1 hour at character 1'],
    ["{'__proto__': 1}", 'a field cannot be named "__proto__"'],
    ['{constructor: 1}', 'a field cannot be named "constructor"'],
    ['1'.repeat(9_000), 'the expression has 9000 characters, at most 8192 are allowed'],
    ['('.repeat(100) + '1' + ')'.repeat(100), 'the expression is too large: exceeded maxDepth (64)'],
    [Array(2_000).fill('1').join('+'), 'the expression is too large: exceeded maxAstNodes (2000)'],
  ])('%s', (text, message) => {
    expect(issue(text)).toBe(message)
  })

  it('takes no list or object for an expression', () => {
    const { error } = expression().safeParse(['record.a'])
    expect(error?.issues[0]?.message).toMatch(/^expected a CEL expression, such as "record.price < 1"/)
  })
})

describe('what fails over a record', () => {
  it.each([
    ['record.text < 1', 'record.text is a string, expected a number'],
    ['record.none * 2', 'record.none is null, expected a number'],
    ['record.text * record.count', 'record.text is a string, expected a number'],
    ['record.text + record.count', 'record.text is a string and record.count is a number, which "+" does not take'],
    ['record.nope', 'record.nope is missing; has(record.nope) asks first'],
    ['record.nope.deeper', 'record.nope is missing; has(record.nope) asks first'],
    ["record.order['nope']", "record.order['nope'] is missing"],
    ['record.text.x', 'record.text is a string, so there is no record.text.x'],
    ['record.list[9]', 'record.list has no such element: record.list[9]'],
    ['!record.text', 'record.text is a string, expected a boolean'],
    ['-record.text', 'record.text is a string, expected a number'],
    ['record.yes && record.text', 'record.text is a string, expected a boolean'],
    ['record.count ? 1 : 2', 'record.count is a number, expected a boolean'],
    ['size(record.none)', 'record.none is null, which size() does not take'],
    ["record.order.matches('a')", 'record.order is an object, which .matches() does not take'],
    [
      'record.text.substring(record.count)',
      'record.text is a string and record.count is a number, which .substring() does not take; int(...) makes a JSON number an integer',
    ],
    ['double(record.text)', 'double() cannot read a number there (record.text is a string)'],
    ['int(record.text)', 'int() cannot read an integer there (record.text is a string)'],
    ['duration(record.text)', 'duration() takes a text such as "90s" or "1h30m" (record.text is a string)'],
    [
      'timestamp(record.text)',
      'timestamp() takes a text such as "2026-01-08T12:00:00Z" or seconds since 1970 (record.text is a string)',
    ],
    [
      "timestamp('2026-01-08T12:00:00')",
      'timestamp() takes a text such as "2026-01-08T12:00:00Z" or seconds since 1970',
    ],
    ["'x'.matches(record.text + '(')", "the regular expression is not valid (record.text + '(' is a string)"],
    ['record.list.map(n, n.x)', 'n.x is missing'],
    ['now.getHours(record.text)', 'cannot be evaluated (RangeError)'],
    ["record.list.map(n, n < 'x')", 'no such overload: double < string'],
    ['sum(record.tags)', 'the list must hold numbers only (record.tags is an array)'],
    ['record.price / 0', 'gives an infinite number, which JSON cannot hold'],
    ['{a: [0 / 0.0]}', 'gives NaN, which JSON cannot hold'],
    ['1 / 0', 'division by zero'],
    ['9223372036854775807', 'gives an integer too large for a JSON number; string(...) keeps it exactly'],
    ['9223372036854775807 + 1', 'an integer grows beyond 64 bits'],
    ['type(record.text)', 'gives a type, which is not a value'],
  ])('%s', (text, problem) => {
    expect(fault(text)).toBe(`"${text}": ${problem}`)
  })

  it('never shows a value', () => {
    const secret = recordOf({ card: '4111 1111', flag: 'maybe 4111' })
    for (const text of [
      'int(record.card)',
      'bool(record.flag)',
      'duration(record.card)',
      'record[record.card]',
      "record.card.matches(record.card + '[')",
    ]) {
      expect(() => of(text, secret)).toThrow(ExpressionFault)
      expect(() => of(text, secret)).not.toThrow(/4111 1111|maybe/)
    }
  })

  it('shortens a long expression', () => {
    expect(fault(`record.nope == '${'x'.repeat(500)}'`).length).toBeLessThan(300)
  })
})

describe('what an expression may cost', () => {
  const long = recordOf({ list: Array.from({ length: 1_000 }, (_, n) => n), text: `${'a'.repeat(50_000)}!` })

  it('bounds the steps of nested loops', () => {
    const text = 'record.list.map(a, record.list.map(b, a * b))'
    expect(() => of(text, long)).toThrow(`"${text}": takes more than 100000 steps`)
    expect(of('size(record.list.map(a, a))', long)).toBe(1_000)
  })

  it('gives each record its own steps', () => {
    const each = expression().parse('size(record.list.filter(a, a >= 0))')
    for (let n = 0; n < 150; n++) expect(each.of(long, now)).toBe(1_000)
  })

  it('bounds texts and lists that double', () => {
    const doubled = (start: string) =>
      Array.from({ length: 24 }).reduce<string>((text) => `cel.bind(x, ${text}, x + x)`, start)
    expect(() => of(doubled("'12345678'"))).toThrow('builds a text or list longer than 1048576')
    expect(() => of(doubled('[1, 2]'))).toThrow('builds a text or list longer than 1048576')
    expect(() => of("record.text.replace('a', record.text)", long)).toThrow('builds a text or list longer than 1048576')
  })

  it('bounds results that hold themselves many times over', () => {
    const nested = Array.from({ length: 24 }).reduce<string>((text) => `cel.bind(x, ${text}, [x, x])`, '[1]')
    expect(() => of(nested)).toThrow('gives more than 1000000 values')
  })

  it('matches in linear time', () => {
    // A backtracking engine would not come back from this.
    expect(of("record.text.matches('^(a+)+$')", long)).toBe(false)
  })
})

describe('a condition', () => {
  it('over a record holds or not', () => {
    const cheap = predicate().parse('record.price < 1')
    expect(cheap.holds(record, now)).toBe(true)
    expect(predicate().parse(true).holds(record, now)).toBe(true)
    expect(() => predicate().parse('record.price').holds(record, now)).toThrow(
      '"record.price": gives a number, expected a boolean',
    )
    expect(predicate().safeParse('1 + 1').error?.issues[0]?.message).toBe(
      'the expression gives int, expected a condition that is true or false',
    )
  })

  it('over variables of its own', () => {
    const many = condition(['size', 'source']).parse("size > 1000 && source == 'rss.events'")
    expect(many.holds({ size: 1_001, source: 'rss.events' })).toBe(true)
    expect(many.holds({ size: 1_000, source: 'rss.events' })).toBe(false)
    expect(() => many.holds({ size: 'many', source: 'rss.events' })).toThrow('size is a string, expected a number')
    expect(condition(['size', 'age']).safeParse('sizee > 1').error?.issues[0]?.message).toBe(
      'unknown variable "sizee" at character 1: there are size, age',
    )
  })

  it('is an expression when it need not be true or false', () => {
    const grown = compile('size - before', ['size', 'before'])
    expect(grown.gives).toBe('dyn')
    expect(grown.of({ size: 5, before: 3 })).toBe(2)
  })
})
