import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidRecordFault, validate } from '../../src/operators/validate.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { faultOf, verdicts } from '../support/outcomes.ts'
import { record } from '../support/records.ts'

const price = { type: 'object', required: ['market', 'price'], properties: { price: { type: 'number', maximum: 1 } } }

function directoryWith(files: { readonly [name: string]: unknown }): string {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-validate-'))
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return directory
}

const messageOf = (schema: string | object, value: unknown, directory = '/') =>
  faultOf(validate.over({ schema: schema as { [keyword: string]: unknown } }, context({ directory })), value)

const built = (schema: string | object, directory = '/') =>
  validate.over({ schema: schema as { [keyword: string]: unknown } }, context({ directory }))

describe('validate', () => {
  it(
    'lets a match through as it is and fails a breach without ending the stream',
    marbles(({ cold, expectObservable }) => {
      const bad = record({ market: 'rain', price: 1.7 })
      const good = record({ market: 'rain', price: 0.4 })
      const source = cold('  a-b|', { a: bad, b: good })
      const expected = '     x-y|'

      expectObservable(source.pipe(built(price))).toBe(expected, {
        x: fail(bad, new InvalidRecordFault('The record does not match the schema: /price must be <= 1.')),
        y: emit(good),
      })
    }),
  )

  it('names up to three problems, with the path of each, and counts the rest', async () => {
    const schema = { ...price, required: ['market', 'price', 'a', 'b', 'c'] }

    expect(await messageOf(schema, { price: 2, market: '' })).toBe(
      'The record does not match the schema: /a is missing; /b is missing; /c is missing; and 1 more.',
    )
  })

  it.each([
    [{ type: 'object' }, ['x'], 'the value is an array, must be an object'],
    [{ type: 'object' }, null, 'the value is null, must be an object'],
    [
      { properties: { n: { type: ['number', 'null'] } } },
      { n: 'mail@example.org' },
      '/n is a string, must be a number or null',
    ],
    [{ properties: { at: { format: 'date-time' } } }, { at: 'mail@example.org' }, '/at is not a valid date-time'],
    [{ properties: { a: true }, additionalProperties: false }, { b: 'secret' }, '/b is not a field of the schema'],
    [{ properties: { a: true }, unevaluatedProperties: false }, { b: 'secret' }, '/b is not a field of the schema'],
    [{ properties: { a: { enum: ['Yes', 'No'] } } }, { a: 'secret' }, '/a must be one of "Yes", "No"'],
    [{ properties: { a: { const: 'Yes' } } }, { a: 'secret' }, '/a must be "Yes"'],
    [{ properties: { a: { minLength: 3 } } }, { a: 'no' }, '/a must NOT have fewer than 3 characters'],
    [{ properties: { a: { pattern: '^\\d+$' } } }, { a: 'secret' }, '/a must match pattern "^\\d+$"'],
    [{ properties: { a: false } }, { a: 'secret' }, '/a must not be there'],
    [{ dependentRequired: { a: ['b'] } }, { a: 'secret' }, '/b is missing, which /a needs'],
    [{ properties: { 'a/b': { type: 'object', required: ['c~d'] } } }, { 'a/b': {} }, '/a~1b/c~0d is missing'],
    [{ items: { type: 'number' } }, [1, 'secret'], '/1 is a string, must be a number'],
  ])('says what is wrong and what would be right: %j', async (schema, value, problem) => {
    expect(await messageOf(schema, value)).toBe(`The record does not match the schema: ${problem}.`)
  })

  it('asks for bytes to be parsed first', async () => {
    expect(await messageOf({}, Buffer.from('{}'))).toBe(
      'The value is bytes, which no schema describes: "parse" it first.',
    )
  })

  it('reads a schema beside the config, and those beside it that it refers to', async () => {
    const directory = directoryWith({
      'article.json': { type: 'object', properties: { price: { $ref: './parts.json#/$defs/price' } } },
      'parts.json': { $defs: { price: { $ref: 'number.json' } } },
      'number.json': { type: 'number', maximum: 1 },
    })

    expect(await verdicts(built('./article.json', directory), { price: 1 }, { price: 2 })).toEqual([
      [{ price: 1 }],
      'fail record.invalid',
    ])
    expect(await messageOf('article.json', { price: 2 }, directory)).toBe(
      'The record does not match article.json: /price must be <= 1.',
    )
  })

  it('finds the files beside a schema by its own "$id" as well', async () => {
    const directory = directoryWith({
      'article.json': { $id: 'https://example.org/schemas/article.json', $ref: 'price.json' },
      'price.json': { $id: 'https://example.org/schemas/price.json', type: 'number' },
    })

    expect(await verdicts(built('article.json', directory), 1, 'x')).toEqual([[1], 'fail record.invalid'])
  })

  it('follows the draft that "$schema" names', async () => {
    const tuple = { items: [{ type: 'number' }], additionalItems: false }
    const draft07 = { $schema: 'http://json-schema.org/draft-07/schema#', ...tuple }

    expect(await verdicts(built(draft07), [1], [1, 2])).toEqual([[[1]], 'fail record.invalid'])
    expect(() => built(tuple)).toThrow('/items must be object,boolean')
  })

  it('takes keywords of its own that start with "x-", as annotations', async () => {
    expect(await verdicts(built({ type: 'number', 'x-unit': 'USD' }), 1)).toEqual([[1]])
  })

  it.each([
    [{ minumum: 1 }, 'the schema cannot be used: unknown keyword: "minumum"'],
    [{ type: 'nmber' }, 'the schema cannot be used: /type must be equal to one of the allowed values'],
    [{ format: 'dtae' }, 'the schema cannot be used: unknown format "dtae" at "#"'],
    [{ pattern: '(' }, 'the schema cannot be used: Invalid regular expression'],
    [{ $ref: '#/$defs/gone' }, 'refers to "#/$defs/gone", which is not in that document'],
    [{ $ref: 'https://example.org/x.json' }, 'refers to "https://example.org/x.json", which is not a file beside it'],
    [{ $ref: '../x.json' }, 'which is not a file beside it'],
    [
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      'is of "http://json-schema.org/draft-04/schema"; expected ',
    ],
    ['./gone.json', 'the schema "./gone.json" cannot be read from '],
    ['./broken.json', 'the schema "./broken.json" cannot be read from '],
    ['./list.json', 'is not a JSON Schema; expected a JSON object'],
    ['./points.json', 'the schema "gone.json" cannot be read from '],
  ])('refuses to be built with %j', (schema, message) => {
    const directory = directoryWith({ 'broken.json': '{', 'list.json': [], 'points.json': { $ref: './gone.json' } })

    expect(() => built(schema, directory)).toThrow(message)
  })
})
