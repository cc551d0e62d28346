import { describe, expect, it } from 'vitest'
import { UnplaceableFieldFault, withField } from '../../src/record/change.ts'
import { record } from '../support/records.ts'

const placed = (value: unknown, path: string) => withField(record(value), path, 'new').value

describe('withField', () => {
  it('keeps everything of the record but that field, and shares what is not on the way', () => {
    const given = record({ a: { b: 1, c: 2 }, d: { e: 3 } }, { key: Buffer.from('k'), index: '.1', timestamp: 5 })
    const changed = withField(given, 'a.b', 'new')

    expect(changed).toEqual({ ...given, value: { a: { b: 'new', c: 2 }, d: { e: 3 } } })
    expect((changed.value as typeof given.value).d).toBe(given.value.d)
    expect(given.value).toEqual({ a: { b: 1, c: 2 }, d: { e: 3 } })
  })

  it('creates the objects that are missing on the way', () => {
    expect(placed({ a: 1 }, 'b.c.d')).toEqual({ a: 1, b: { c: { d: 'new' } } })
    expect(placed(undefined, 'a')).toEqual({ a: 'new' })
  })

  it('changes an item that a list has, and adds none', () => {
    expect(placed({ a: [{ b: 1 }, 2] }, 'a.0.b')).toEqual({ a: [{ b: 'new' }, 2] })
    expect(() => placed({ a: [1] }, 'a.1')).toThrow('Cannot put the field "a.1": "a" is array, not an object.')
    expect(() => placed({ a: [1] }, 'a.length')).toThrow(UnplaceableFieldFault)
  })

  it.each([
    [null, 'the value'],
    ['text', 'the value'],
    [7, 'the value'],
    [Buffer.from('x'), 'the value'],
    [{ a: null }, '"a"'],
    [{ a: 'text' }, '"a"'],
  ])('puts nothing into %j, which holds no fields', (value, holder) => {
    expect(() => placed(value, 'a.b')).toThrow(`Cannot put the field "a.b": ${holder} is `)
  })

  it('takes names that objects inherit for names like any other', () => {
    expect(placed({}, 'constructor.name')).toEqual({ constructor: { name: 'new' } })
    expect(Object.keys(placed({}, '__proto__.x') as object)).toEqual(['__proto__'])
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })
})
