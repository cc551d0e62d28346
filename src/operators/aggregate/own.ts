import { z } from 'zod'
import { copyOf, UnfitValueError } from '../../component/copy.ts'
import { loadUserFile } from '../../component/userFile.ts'
import { Fault } from '../../record/fault.ts'
import { withValue, type Record } from '../../record/record.ts'
import type { Aggregation, PlannedAggregation } from './aggregation.ts'

/** An aggregate of the user's own, the default export of a file. What it is given are copies, which it may change. */
export interface UserAggregate<Accumulated = unknown> {
  /** What is accumulated before the first record: JSON-able data. */
  readonly initial: Accumulated
  /** What is accumulated with one record more. A throw fails the record, and nothing of it is kept. */
  add(accumulated: Accumulated, value: unknown, record: Record): Accumulated
  /** What both have accumulated, the earlier one first: required with session windows. */
  merge?(one: Accumulated, other: Accumulated): Accumulated
  /** The field of the result; what is accumulated where absent. */
  result?(accumulated: Accumulated): unknown
}

/** A user's aggregate gave what no state can hold. */
export class BadAggregateFault extends Fault {
  readonly code = 'aggregate.bad_result'
  readonly disposition = 'deadLetter'
}

export const own = () =>
  z
    .string()
    .regex(/\.[cm]?[jt]s$/, 'expected a path to a TypeScript or JavaScript file, such as "./aggregates/spread.ts"')
    .transform(
      (file): PlannedAggregation =>
        ({ directory }) =>
          built(file, load(file, directory)),
    )

const built = (file: string, aggregate: UserAggregate): Aggregation<Record, unknown> => {
  const checked = (step: string, value: unknown): unknown => {
    try {
      return copyOf(value, `what ${step} of ${file} gives`)
    } catch (thrown) {
      if (!(thrown instanceof UnfitValueError)) throw thrown
      throw new BadAggregateFault(`It cannot be kept: ${thrown.message}.`)
    }
  }
  const result = (accumulated: unknown): unknown =>
    aggregate.result ? checked('result()', aggregate.result(copyOf(accumulated))) : accumulated
  return {
    input: (record) => record,
    initial: checked('initial', aggregate.initial),
    add(accumulated, record) {
      const value = copyOf(record.value)
      const next = checked('add()', aggregate.add(copyOf(accumulated), value, withValue(record, value)))
      // The record that leads to no result fails; when its window closes, it would be others.
      result(next)
      return next
    },
    ...(aggregate.merge && {
      merge: (one: unknown, other: unknown) => checked('merge()', aggregate.merge!(copyOf(one), copyOf(other))),
    }),
    result,
  }
}

function load(file: string, directory: string): UserAggregate {
  const { path, exports } = loadUserFile(file, directory)
  const aggregate = exports['default'] as Partial<UserAggregate> | undefined
  const problem = problemOf(aggregate)
  if (problem === undefined) return aggregate as UserAggregate
  throw new Error(
    `"${path}" has no aggregate: ${problem}; expected "export default { initial, add(accumulated, value, record) }", ` +
      'with "merge(one, other)" for session windows, and "result(accumulated)" if the result is another.',
  )
}

function problemOf(aggregate: Partial<UserAggregate> | undefined | null): string | undefined {
  if (aggregate === undefined || aggregate === null) return 'it has no default export'
  if (aggregate.initial === undefined) return 'there is no "initial"'
  if (typeof aggregate.add !== 'function') return '"add" is no function'
  const odd = (['merge', 'result'] as const).find((name) => !['undefined', 'function'].includes(typeof aggregate[name]))
  return odd && `"${odd}" is no function`
}
