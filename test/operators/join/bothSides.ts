import type { OperatorContext } from '../../../src/component/context.ts'
import { attempt } from '../../../src/component/lift.ts'
import { join } from '../../../src/operators/join.ts'
import type { Outcome } from '../../../src/record/outcome.ts'
import type { Record } from '../../../src/record/record.ts'
import { context } from '../../support/context.ts'
import { record } from '../../support/records.ts'

export type JoinInput = Parameters<typeof join.over>[0]

/** A record of one side. */
export interface Given {
  readonly side: 'left' | 'right'
  readonly time: number
  readonly value: unknown
  /** "k" when absent. */
  readonly key?: string | null
}

export const left = (time: number, value: unknown, key?: string | null): Given => ({
  side: 'left',
  time,
  value,
  ...(key !== undefined && { key }),
})
export const right = (time: number, value: unknown, key?: string | null): Given => ({
  ...left(time, value, key),
  side: 'right',
})

const recordOf = ({ time, value, key = 'k' }: Given): Record =>
  record(value, { key: key === null ? null : Buffer.from(key), timestamp: time })

/** A join that is given records of both sides. */
export function joined(config: JoinInput, more: Partial<OperatorContext> = {}): (given: Given) => Outcome {
  const own = context(more)
  const step = join.build(join.config.parse(config), own)
  if (typeof step === 'function') return (given) => attempt(step, recordOf(given), own.name)
  if (!('left' in step)) throw new Error('a join is synchronous')
  return (given) => attempt(step[given.side], recordOf(given), own.name)
}

/** What became of a record: its results as [value, timestamp], or why there are none. */
export function told(outcome: Outcome): readonly (readonly [value: unknown, timestamp: number])[] | string {
  if (outcome.type === 'drop') return `drop ${outcome.reason}`
  if (outcome.type === 'fail') return `fail ${outcome.fault.code}`
  return outcome.results.map(({ value, timestamp }) => [value, timestamp])
}

/** What became of each record. */
export function outcomesOf(config: JoinInput, given: readonly Given[], more: Partial<OperatorContext> = {}) {
  const take = joined(config, more)
  return given.map((one) => told(take(one)))
}
