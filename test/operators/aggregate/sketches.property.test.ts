import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decimalOf } from '../../../src/operators/aggregate/decimal.ts'
import { estimate, merged, withIdentity, type Sketch } from '../../../src/operators/aggregate/hyperLogLog.ts'
import { emptySketch, joined, quantile, withNumber } from '../../../src/operators/aggregate/quantileSketch.ts'
import { plus, total, type ExactSum } from '../../../src/operators/aggregate/sum.ts'

describe('an exact sum', () => {
  const numbers = fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { maxLength: 30 })

  it('is the same in any order and in any parts', () =>
    fc.assert(
      fc.property(numbers, fc.nat(30), (numbers, cut) => {
        const sum = (list: readonly number[]) => list.reduce<ExactSum>(plus, [])
        const whole = total(sum(numbers))
        expect(total(sum(numbers.toReversed()))).toBe(whole)
        expect(total(sum(numbers.toSorted((a, b) => a - b)))).toBe(whole)
        expect(total(numbers.slice(cut).reduce<ExactSum>(plus, sum(numbers.slice(0, cut))))).toBe(whole)
      }),
    ))

  it('is that of whole numbers, which have no rounding', () =>
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n })), (numbers) => {
        const exact = numbers.reduce((a, b) => a + b, 0n)
        expect(total(numbers.map(Number).reduce<ExactSum>(plus, []))).toBe(Number(exact))
      }),
    ))

  it('is that of the decimals that text writes, with numbers among them, in any order', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.nat(12)), { maxLength: 20 }),
        fc.array(fc.maxSafeInteger(), { maxLength: 20 }),
        (decimals, numbers) => {
          const texts = decimals.map(([units, places]) => `${units}e-${places}`)
          const parts = [...texts.map((text) => decimalOf(text, Number(text))), ...numbers]
          const exact = [...decimals, ...numbers.map((number) => [BigInt(number), 0] as const)]
          const units = exact.reduce((sum, [units, places]) => sum + units * 10n ** BigInt(12 - places), 0n)
          expect(total(parts.reduce<ExactSum>(plus, []))).toBe(Number(`${units}e-12`) + 0)
          expect(total(parts.toReversed().reduce<ExactSum>(plus, []))).toBe(Number(`${units}e-12`) + 0)
        },
      ),
    ))

  it('takes a number for what it is exactly, where text is summed with it', () =>
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { maxLength: 10 }), (numbers) => {
        const sum = numbers.reduce<ExactSum>(plus, [])
        const mixed = plus(plus(sum, decimalOf('0.1', 0.1)), decimalOf('-0.1', -0.1))
        expect(total(mixed)).toBe(total(sum) + 0)
      }),
    ))
})

describe('a quantile sketch', () => {
  const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 200 })

  it('is within a hundredth of the number of that rank, however it was put together', () =>
    fc.assert(
      fc.property(numbers, fc.nat(200), fc.double({ min: 0, max: 1, noNaN: true }), (numbers, cut, share) => {
        const sketch = (list: readonly number[]) => list.reduce(withNumber, emptySketch)
        const exact = numbers.toSorted((a, b) => a - b)[Math.floor(share * (numbers.length - 1))]!
        for (const made of [sketch(numbers), joined(sketch(numbers.slice(0, cut)), sketch(numbers.slice(cut)))]) {
          expect(Math.abs(quantile(made, share)! - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.01 + 1e-12)
        }
      }),
    ))

  it('has a bounded size, whatever the range', () => {
    let sketch = emptySketch
    for (let exponent = -300; exponent <= 300; exponent += 0.4) sketch = withNumber(sketch, 10 ** exponent)
    expect(sketch.positive.size).toBe(1_024)
    expect(Math.log10(quantile(sketch, 0.99)!)).toBeCloseTo(294, 0)
  })
})

describe('HyperLogLog', () => {
  const sketchOf = (from: number, to: number): Sketch => {
    let sketch: Sketch = []
    for (let n = from; n < to; n++) sketch = withIdentity(sketch, `value ${n}`)
    return sketch
  }

  it.each([0, 1, 10, 100, 500, 1_000, 5_000, 50_000])('counts %d different values within 5 %', (count) => {
    expect(Math.abs(estimate(sketchOf(0, count)) - count)).toBeLessThanOrEqual(count * 0.05)
  })

  it('counts a value once', () => {
    const sketch = sketchOf(0, 2_000)
    expect(merged(sketch, sketchOf(0, 2_000))).toEqual(sketch)
  })

  it('is the same out of parts, listed or not', () => {
    expect(merged(sketchOf(0, 300), sketchOf(200, 400))).toEqual(sketchOf(0, 400))
    expect(merged(sketchOf(0, 300), sketchOf(200, 3_000))).toEqual(sketchOf(0, 3_000))
    expect(merged(sketchOf(200, 3_000), sketchOf(0, 300))).toEqual(sketchOf(0, 3_000))
  })
})
