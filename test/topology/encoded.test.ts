import fc from 'fast-check'
import { serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { decode, encode } from '../../src/topology/encoded.ts'

const match = /b(c)/.exec('abc')!

it.each([
  ['undefined', undefined],
  ['a negative zero', -0],
  ['no number', NaN],
  ['infinity', [Infinity]],
  ['bytes', { value: Buffer.from('a') }],
  ['a large whole number', 12n],
  ['a date', new Date(5)],
  ['a map', new Map([['a', new Set([1])]])],
  ['a field without a value', { a: undefined }],
  ['a hole', [1, , 2]],
  ['a list with fields', Object.assign([1], { index: 3 })],
  ['a match', match],
  ['half a character', '\ud83d'],
  ['a field named as a prototype is', JSON.parse('{"__proto__": {"a": 1}}')],
  ['a field named toJSON', { toJSON: 1 }],
])('keeps %s', (_, value) => {
  const decoded = decode(encode(value))
  if (value instanceof Object && 'value' in value) expect((decoded as { value: Buffer }).value.toString()).toBe('a')
  else expect(decoded).toStrictEqual(value)
  expect(Object.keys(Object(decoded) as object)).toEqual(Object.keys(Object(value) as object))
})

it('keeps what ends in itself', () => {
  const value: { self?: unknown } = {}
  value.self = value
  const decoded = decode<typeof value>(encode(value))
  expect(decoded.self).toBe(decoded)
})

it('keeps whatever JSON can say', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(decode(encode(value))).toEqual(value)
    }),
  )
})

it('keeps what it takes as JSON in fewer bytes, and reads what was kept before', () => {
  expect(encode({ count: 1 }).toString()).toBe('{"count":1}')
  expect(decode(serialize({ count: 1 }))).toEqual({ count: 1 })
})

it('refuses what has no copy', () => {
  expect(() => encode({ call: () => {} })).toThrow(/could not be cloned/)
})
