import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { suggestedCauses } from '../../src/deadletter/cause.ts'

const many = (count: number, make: (n: number) => object): object[] => Array.from({ length: count }, (_, n) => make(n))

const good = (n: number) => ({
  id: n,
  price: (n % 10) / 10,
  currency: n % 2 ? 'EUR' : 'USD',
  title: `order ${n}`,
  customer: { name: `c${n}`, address: { city: 'x' } },
  lines: [{ sku: `s${n}`, count: 1 }],
})
const healthy = many(200, good)

const first = (letters: readonly unknown[]) => suggestedCauses(letters, healthy)[0]?.text

describe('a suggested cause', () => {
  it.each<[string, string, (n: number) => object]>([
    ['a field is missing', 'price is missing in 45 of 50 letters, and in 0 of 200 healthy records.', (n) => (n < 5 ? good(n) : { ...good(n), price: undefined })], // prettier-ignore
    ['it is below another', 'customer.address is missing in 50 of 50 letters, and in 0 of 200 healthy records.', (n) => ({ ...good(n), customer: { name: 'x' } })], // prettier-ignore
    ['of an element of a list', 'lines[].sku is missing in 50 of 50 letters, and in 0 of 200 healthy records.', (n) => ({ ...good(n), lines: [{ sku: 'a', count: 1 }, { count: 2 }] })], // prettier-ignore
    ['it is null', 'price is null in 50 of 50 letters, and in 0 of 200 healthy records.', (n) => ({ ...good(n), price: null })], // prettier-ignore
    ['it is of another type', 'price is a string in 50 of 50 letters, and in 0 of 200 healthy records, where it is a number.', (n) => ({ ...good(n), price: '0.4' })], // prettier-ignore
    ['it is a list', 'customer is a list in 50 of 50 letters, and in 0 of 200 healthy records, where it is an object.', (n) => ({ ...good(n), customer: [] })], // prettier-ignore
    ['numbers are beyond', 'price is 1.5 to 50.5 in 50 of 50 letters; in 200 healthy records it is 0 to 0.9.', (n) => ({ ...good(n), price: 1.5 + n })], // prettier-ignore
    ['texts are too long', 'title has a length of 300 to 349 in 50 of 50 letters; in 200 healthy records it has a length of 7 to 9.', (n) => ({ ...good(n), title: 'x'.repeat(300 + n) })], // prettier-ignore
    ['a list is empty', 'lines has a length of 0 in 50 of 50 letters; in 200 healthy records it has a length of 1.', (n) => ({ ...good(n), lines: [] })], // prettier-ignore
    ['a text is not one of a few', 'currency is none of the 2 values that 200 healthy records have in 50 of 50 letters.', (n) => ({ ...good(n), currency: n % 2 ? 'CHF' : 'GBP' })], // prettier-ignore
    ['a field is there', 'coupon is there in 50 of 50 letters, and in 0 of 200 healthy records.', (n) => ({ ...good(n), coupon: `c${n}` })], // prettier-ignore
  ])('is found where %s', (_, text, bad) => {
    const letters = JSON.parse(JSON.stringify(many(50, bad))) as object[]
    expect(first(letters)).toBe(text)
  })

  it('is found where the whole value is something else', () => {
    expect(first(Array.from({ length: 10 }, () => 'text'))).toBe(
      'The value is a string in 10 of 10 letters, and in 0 of 200 healthy records, where it is an object.',
    )
  })

  it('is none where nothing differs, or there is nothing to compare with', () => {
    expect(suggestedCauses(many(50, good), healthy)).toEqual([])
    expect(suggestedCauses([{}], [])).toEqual([])
    expect(suggestedCauses([], healthy)).toEqual([])
  })

  it('is the most telling first, and one for each field', () => {
    const letters = many(50, (n) => ({ ...good(n), price: n < 30 ? 'x' : 0.5, currency: 'CHF' }))
    expect(suggestedCauses(letters, healthy).map(({ field }) => field)).toEqual(['currency', 'price'])
  })

  it('shows no text of a record', () => {
    const secret = many(50, (n) => ({ ...good(n), currency: 'hunter2-currency', title: `hunter2-${'x'.repeat(n + 40)}`, extra: 'hunter2' })) // prettier-ignore
    expect(JSON.stringify(suggestedCauses(secret, healthy))).not.toContain('hunter2')
  })

  it('is given for any values, in a time that does not grow without bounds', () => {
    const any = fc.array(fc.jsonValue({ maxDepth: 12 }), { maxLength: 8 })
    fc.assert(
      fc.property(any, any, (letters, others) => {
        expect(suggestedCauses(letters, others).length).toBeLessThanOrEqual(5)
      }),
    )
    const wide = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`f${n}`, n]))
    expect(suggestedCauses([wide], [{ lines: Array.from({ length: 200 }, () => wide) }])).toHaveLength(5)
  })
})
