import { expression } from '../../component/expression.ts'
import type { Aggregation } from './aggregation.ts'
import { numberOf, NumberOverflowFault } from './number.ts'

/**
 * An exact sum, as floating-point numbers that do not overlap, the smallest first (Shewchuk 1997): whatever the order of
 * its parts, its total is the same, and correctly rounded.
 */
export type ExactSum = readonly number[]

/** @throws NumberOverflowFault */
export function plus(sum: ExactSum, number: number): ExactSum {
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

/** The nearest number to an exact sum. */
export function total(sum: ExactSum): number {
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
  expression().transform((of): Aggregation<number | undefined, ExactSum> => ({
    input: (record, now) => numberOf(of, record, now),
    initial: [],
    add: (sum, number) => (number === undefined ? sum : plus(sum, number)),
    merge: (one, other) => other.reduce(plus, one),
    result: total,
  }))

type Average = readonly [count: number, sum: ExactSum]

export const average = () =>
  expression().transform((of): Aggregation<number | undefined, Average> => ({
    input: (record, now) => numberOf(of, record, now),
    initial: [0, []],
    add: (average, number) => (number === undefined ? average : [average[0] + 1, plus(average[1], number)]),
    merge: ([count, sum], [others, otherSum]) => [count + others, otherSum.reduce(plus, sum)],
    result: ([count, sum]) => (count === 0 ? null : total(sum) / count),
  }))
