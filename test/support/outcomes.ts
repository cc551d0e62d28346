import { from, lastValueFrom, toArray, type OperatorFunction } from 'rxjs'
import type { Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { record } from './records.ts'

/** What becomes of records of these values, in the form that documented examples are written in. */
export async function verdicts(
  operator: OperatorFunction<Record, Outcome>,
  ...values: readonly unknown[]
): Promise<(string | unknown[])[]> {
  const outcomes = from(values.map((value) => record(value))).pipe(operator, toArray())
  return (await lastValueFrom(outcomes)).map((outcome) => {
    if (outcome.type === 'emit') return outcome.results.map(({ value }) => value)
    return outcome.type === 'drop' ? `drop ${outcome.reason}` : `fail ${outcome.fault.code}`
  })
}

/** The message of the fault that a record of this value ends with. */
export async function faultOf(operator: OperatorFunction<Record, Outcome>, value: unknown): Promise<string> {
  const outcome = await lastValueFrom(from([record(value)]).pipe(operator))
  if (outcome.type !== 'fail') throw new Error(`expected a fault, found ${outcome.type}`)
  return outcome.fault.message
}
