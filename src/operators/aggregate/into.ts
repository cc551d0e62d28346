import { z } from 'zod'
import { fieldName, withoutProto } from '../../component/fields.ts'
import type { Record } from '../../record/record.ts'
import type { Aggregation, PlannedAggregation } from './aggregation.ts'
import { collect } from './collect.ts'
import { countAll, countWhere } from './count.ts'
import { distinct } from './distinct.ts'
import { first, last } from './ends.ts'
import { max, min } from './extremes.ts'
import { own } from './own.ts'
import { percentiles } from './percentiles.ts'
import { reduce } from './reduce.ts'
import { average, sum } from './sum.ts'
import { top } from './top.ts'

/** What a config says of a field. */
export interface PlannedField {
  /** The name of the function. */
  readonly kind: string
  readonly build: PlannedAggregation
}

const functions = z
  .strictObject({
    count: countWhere().optional().describe('How many records there are for which a condition holds.'),
    sum: sum().optional().describe('The sum of a number, exact to the last digit in any order; 0 of none.'),
    average: average().optional().describe('The average of a number; null of none.'),
    min: min().optional().describe('The lowest number; null of none.'),
    max: max().optional().describe('The highest number; null of none.'),
    distinct: distinct().optional().describe('How many different values there are: an expression, or options.'),
    top: top().optional().describe('The values of highest rank, in a list.'),
    percentiles: percentiles()
      .optional()
      .describe('Percentiles of a number, within 1 % of the true ones: `{ p50: …, p99: … }`, null of none.'),
    first: first().optional().describe('The value of the record that came first. Nothing is passed over.'),
    last: last().optional().describe('The value of the record that came last. Nothing is passed over.'),
    collect: collect().optional().describe('Values in a list, in the order they came: an expression, or options.'),
    reduce: reduce().optional().describe('What an expression makes of what it made so far and a record.'),
    use: own().optional().describe('An aggregate of your own: a file, relative to the config.'),
  })
  .transform((given, context): PlannedField => {
    const [chosen, ...others] = Object.entries(given).filter(([, planned]) => planned !== undefined)
    if (chosen && others.length === 0) {
      const [kind, planned] = chosen
      return { kind, build: (task) => builtOf(planned!, task) }
    }
    context.addIssue({ code: 'custom', message: 'expected one function, such as `{ sum: record.price }`' })
    return z.NEVER
  })

const builtOf = (planned: Aggregation | PlannedAggregation, task: { readonly directory: string }): Aggregation =>
  typeof planned === 'function' ? planned(task) : planned

const planned = () =>
  z.union([functions, z.literal('count').transform((): PlannedField => ({ kind: 'count', build: () => countAll }))], {
    error: 'expected count, or a function such as `{ sum: record.price }`',
  })

/** A config field: what each field of the results is. */
export const into = () =>
  withoutProto(
    z
      .record(fieldName(), planned())
      .refine((fields) => Object.keys(fields).length > 0, 'expected at least one field, such as `orders: count`'),
  )

/** All that is aggregated of a record, and accumulated of a group: one element a field. */
export type Inputs = readonly unknown[]
export type Accumulated = readonly unknown[]

/** The fields of the results, as one aggregation. */
export class Into {
  readonly #names: readonly string[]
  readonly #fields: readonly Aggregation[]
  /** The numbers of the fields that are shown. */
  readonly #shown: readonly number[]
  readonly initial: Accumulated

  constructor(planned: { readonly [name: string]: PlannedField }, task: { readonly directory: string }) {
    this.#names = Object.keys(planned)
    this.#fields = Object.values(planned).map(({ build }) => build(task))
    this.#shown = this.#names.flatMap((name, at) => (isHidden(name) ? [] : [at]))
    this.initial = this.#fields.map(({ initial }) => initial)
  }

  /** The first field whose aggregation cannot merge; undefined where all can. */
  get unmergeable(): string | undefined {
    return this.#names.find((_, at) => this.#fields[at]!.merge === undefined)
  }

  /** @throws faults of the record */
  inputs(record: Record, now: number): Inputs {
    return this.#fields.map((field) => field.input(record, now))
  }

  /** @throws faults of the record */
  readonly add = (accumulated: Accumulated, inputs: Inputs): Accumulated =>
    this.#fields.map((field, at) => field.add(accumulated[at], inputs[at]))

  readonly merge = (one: Accumulated, other: Accumulated): Accumulated =>
    this.#fields.map((field, at) => field.merge!(one[at], other[at]))

  /** The fields of the results. */
  result(accumulated: Accumulated): { readonly [name: string]: unknown } {
    const shown: { [name: string]: unknown } = {}
    for (const at of this.#shown) shown[this.#names[at]!] = this.#fields[at]!.result(accumulated[at])
    return shown
  }

  /** A field that is not among the results. */
  hidden(name: string, accumulated: Accumulated): unknown {
    return accumulated[this.#names.indexOf(name)]
  }
}

/** The names of a config have no dots. */
const isHidden = (name: string): boolean => name.startsWith('.')
