import type { Context } from '../../component/context.ts'
import type { Record } from '../../record/record.ts'

/**
 * How one field of the results comes about. What is accumulated stands in the state: it survives a structured clone, and
 * is never changed in place.
 */
export interface Aggregation<Input = unknown, Accumulated = unknown> {
  /** What it takes of a record, before any state is touched. @throws a fault of the record */
  input(record: Record, now: number): Input
  readonly initial: Accumulated
  /** @throws a fault of the record that the input came from */
  add(accumulated: Accumulated, input: Input): Accumulated
  /** What both have accumulated, the one before the other; absent where that cannot be said. */
  merge?(one: Accumulated, other: Accumulated): Accumulated
  /** The field's value: JSON-able data. */
  result(accumulated: Accumulated): unknown
}

/** What a config says of a field, ready to be built for a task. @throws Error saying what is wrong with a file it needs */
export type PlannedAggregation = (context: Pick<Context, 'directory'>) => Aggregation
