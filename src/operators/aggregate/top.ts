import { z } from 'zod'
import { expression, type RecordExpression } from '../../component/expression.ts'
import type { Aggregation } from './aggregation.ts'
import { numberOf } from './number.ts'

type Ranked = readonly [value: unknown, rank: number]

const options = z.strictObject({
  of: expression().describe('The value that is listed.'),
  by: expression().optional().describe('The number that ranks it; the value itself where absent.'),
  n: z.int().min(1).max(1_000).default(3).describe('How many are listed, the highest first.'),
})

/** The values of highest rank, the highest first; of equals the one that came first. */
export const top = () =>
  options.transform(({ of, by = of, n }): Aggregation<Ranked | undefined, readonly Ranked[]> => {
    const best = (ranked: readonly Ranked[]) => ranked.toSorted(([, a], [, b]) => b - a).slice(0, n)
    return {
      input: (record, now) => ranked(of, by, record, now),
      initial: [],
      add: (list, next) => (next === undefined || outranked(list, next, n) ? list : best([...list, next])),
      merge: (one, other) => best([...one, ...other]),
      result: (list) => list.map(([value]) => value),
    }
  })

const outranked = (list: readonly Ranked[], [, rank]: Ranked, n: number): boolean =>
  list.length === n && list[n - 1]![1] >= rank

function ranked(
  of: RecordExpression,
  by: RecordExpression,
  ...[record, now]: Parameters<RecordExpression['of']>
): Ranked | undefined {
  const rank = numberOf(by, record, now)
  if (rank === undefined) return undefined
  const value = of === by ? rank : of.of(record, now)
  return value === undefined ? undefined : [value, rank]
}
