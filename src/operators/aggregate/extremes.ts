import { expression } from '../../component/expression.ts'
import type { Aggregation } from './aggregation.ts'
import { numberOf } from './number.ts'

/** The lowest or highest number so far; null before the first. */
const extreme = (choose: (a: number, b: number) => number) =>
  expression().transform((of): Aggregation<number | undefined, number | null> => {
    const better = (one: number | null, other: number | null | undefined): number | null =>
      other === undefined || other === null ? one : one === null ? other : choose(one, other)
    return {
      input: (record, now) => numberOf(of, record, now),
      initial: null,
      add: better,
      merge: better,
      result: (number) => number,
    }
  })

export const min = () => extreme(Math.min)
export const max = () => extreme(Math.max)
