import type { OperatorFunction } from 'rxjs'
import type { z } from 'zod'
import type { FaultClass } from '../record/fault.ts'
import type { Ending, Outcome } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'
import type { Json, OperatorContext } from './context.ts'
import { lift } from './lift.ts'

/**
 * What an operator does, in one of five ways:
 * - synchronous: a function of one record;
 * - by the clock: such a function, and one that lets go of results when the clock says so, without a record;
 * - two-sided: a function for the records of its own stream, and one for those of the other stream that it reads, with
 *   or without a clock;
 * - asynchronous: one call a record, up to `concurrency` at once, records of one key strictly one after another;
 * - timed: an RxJS operator that lets each record out as exactly one outcome, when it likes.
 */
export type Step =
  | ((record: Record) => Outcome)
  | ByTheClock
  | TwoSided
  | { readonly each: (record: Record, signal: AbortSignal) => Promise<Outcome>; readonly concurrency: number }
  | { readonly over: OperatorFunction<Record, Outcome> }

export interface Clock {
  /** When there is something to do without a record, milliseconds since the epoch; undefined when there is not. */
  due(): number | undefined
  /**
   * Does it.
   * @returns results, each with the origin of a record that it was made of, and with an index of its own; or such a record
   * that was kept, with how it ends
   */
  tick(now: number): readonly (Record | Ending)[]
}

export interface ByTheClock extends Clock {
  take(record: Record): Outcome
}

export interface TwoSided {
  readonly left: (record: Record) => Outcome
  readonly right: (record: Record) => Outcome
  readonly clock?: Clock
}

/** A documented example; every one is run as a test and stands in the reference. */
export interface Example {
  readonly title: string
  readonly config: unknown
  /** Values of the records of the other stream, or of the row of the table, that came before. All are of one key then. */
  readonly other?: readonly unknown[]
  /** Values of the records that come in, one after another. */
  readonly given: readonly unknown[]
  /** One entry a record: "drop <reason>", "fail <code>", or the list of values it emits. */
  readonly expect: readonly (string | readonly unknown[])[]
}

/** Entries of an operator's state that stay until time goes on. */
export interface Waiting {
  /** What they are, such as "open windows". */
  readonly what: string
  /** What their keys begin with. */
  readonly keys: string
  /** How many an entry stands for. */
  count(value: Json): number
}

/** What an operator reads beside its own stream. */
export interface Reads {
  /** Another stream or source. */
  readonly stream?: string
  readonly table?: string
  /** It looks for rows of other keys than the record's: the table must be one that all tasks have. */
  readonly anyKey?: true
}

export interface OperatorSpec<S extends z.ZodType = z.ZodType> {
  /** A verb; the name in YAML, of the file, of its docs page and in metrics. */
  readonly name: string
  readonly summary: string
  readonly config: S
  readonly faults: readonly FaultClass[]
  readonly examples: readonly Example[]
  /** The branches that its records leave by, for an operator that ends a stream so. */
  branches?(config: z.output<S>): readonly string[]
  /** Whether it works by the records' keys: all records of a key have to come to the same task. */
  readonly keyed?: true
  /** What it reads beside its own stream: another stream or source, by its name, or a table. */
  reads?(config: z.output<S>): Reads
  /** For an operator that gives records other keys: how many partitions their topic is to have, if the config says. */
  repartitions?(config: z.output<S>): { readonly partitions?: number }
  /** What its state may hold when all records are read. Nothing when absent. */
  waits?(config: z.output<S>): readonly Waiting[]
  /**
   * For an operator that meets the records of another stream by other keys than its own records': what it does in the tasks
   * of those keys. Its left side gets what this one emits by the branch `~` and its id, its right side the other stream's
   * records; what it emits comes to this one's right side, in the partition that the value names.
   */
  counterpart?(config: z.output<S>): Pick<OperatorSpec<S>, 'build'> | undefined
  /** What of the config the state depends on, as JSON: state that another one made is refused. Nothing when absent. */
  shape?(config: z.output<S>): unknown
  /** What a shape says, in the words of configs: those that two shapes do not share say how they differ. */
  shapeText?(shape: never): readonly string[]
  /** Called once a task. Throws an Error that says what is wrong when, say, a file it needs cannot be read. */
  build(config: z.output<S>, context: OperatorContext): Step
}

export interface Operator<S extends z.ZodType = z.ZodType> extends OperatorSpec<S> {
  /** Parses the config, builds the operator and lifts it over a stream: the form that marble tests use. */
  over(config: z.input<S>, context: OperatorContext): OperatorFunction<Record, Outcome>
}

/** Declares an operator: see OperatorSpec for what a specification says. */
export function defineOperator<S extends z.ZodType>(spec: OperatorSpec<S>): Operator<S> {
  return {
    ...spec,
    over: (config, context) => lift(spec.build(spec.config.parse(config), context), context),
  }
}
