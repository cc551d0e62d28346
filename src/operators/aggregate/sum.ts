import { expression } from '../../component/expression.ts'
import type { Aggregation } from './aggregation.ts'
import { addDecimals, exactDecimal, nearest, type Decimal } from './decimal.ts'
import { NumberOverflowFault, summandOf } from './number.ts'

/**
 * An exact sum, as floating-point numbers that do not overlap, the smallest first (Shewchuk 1997): whatever the order of
 * its parts, its total is the same, and correctly rounded.
 */
type NumberSum = readonly number[]

/** A sum of numbers alone, or also of decimals from text. */
export type ExactSum = NumberSum | { readonly numbers: NumberSum; readonly decimals: Decimal }

/** @throws NumberOverflowFault */
export function plus(sum: ExactSum, part: number | Decimal): ExactSum {
  if (!('numbers' in sum)) {
    return typeof part === 'number' ? plusNumber(sum, part) : checked({ numbers: sum, decimals: part })
  }
  return checked(
    typeof part === 'number'
      ? { ...sum, numbers: plusNumber(sum.numbers, part) }
      : { ...sum, decimals: addDecimals(sum.decimals, part) },
  )
}

function checked(sum: ExactSum): ExactSum {
  if (!Number.isFinite(total(sum))) throw new NumberOverflowFault()
  return sum
}

function plusSum(one: ExactSum, other: ExactSum): ExactSum {
  const numbers = 'numbers' in other ? other.numbers : other
  const both = numbers.reduce<ExactSum>(plus, one)
  return 'numbers' in other ? plus(both, other.decimals) : both
}

/** The nearest number to an exact sum. */
export const total = (sum: ExactSum): number =>
  'numbers' in sum ? nearest(sum.numbers.map(exactDecimal).reduce(addDecimals, sum.decimals)) : totalOfNumbers(sum)

function plusNumber(sum: NumberSum, number: number): NumberSum {
  const next: number[] = []
  let rest = number
  for (const part of sum) {
    const [larger, smaller] = Math.abs(rest) < Math.abs(part) ? [part, rest] : [rest, part]
    const high = larger + smaller
    const low = smaller - (high - larger)
    if (low !== 0) next.push(low)
    rest = high
  }
  if (!Number.isFinite(rest)) throw new NumberOverflowFault()
  next.push(rest)
  return next
}

function totalOfNumbers(sum: NumberSum): number {
  let at = sum.length - 1
  if (at < 0) return 0
  let high = sum[at]!
  let low = 0
  while (at > 0 && low === 0) {
    const before = high
    const part = sum[--at]!
    high = before + part
    low = part - (high - before)
  }
  // Half-way between two numbers, what is left below decides.
  if (at > 0 && Math.sign(low) === Math.sign(sum[at - 1]!) && low !== 0) {
    const rounded = high + low * 2
    if (rounded - high === low * 2) return rounded
  }
  return high
}

export const sum = () =>
  expression().transform((of): Aggregation<number | Decimal | undefined, ExactSum> => ({
    input: (record, now) => summandOf(of, record, now),
    initial: [],
    add: (sum, part) => (part === undefined ? sum : plus(sum, part)),
    merge: plusSum,
    result: total,
  }))

type Average = readonly [count: number, sum: ExactSum]

export const average = () =>
  expression().transform((of): Aggregation<number | Decimal | undefined, Average> => ({
    input: (record, now) => summandOf(of, record, now),
    initial: [0, []],
    add: (average, part) => (part === undefined ? average : [average[0] + 1, plus(average[1], part)]),
    merge: ([count, sum], [others, otherSum]) => [count + others, plusSum(sum, otherSum)],
    result: ([count, sum]) => (count === 0 ? null : total(sum) / count),
  }))
