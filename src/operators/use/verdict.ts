import type { Log } from '../../component/context.ts'
import { Fault, RecordedFault, type Disposition } from '../../record/fault.ts'
import { drop, emit, emitAll, fail, type Outcome } from '../../record/outcome.ts'
import { nth, withValue, type Record } from '../../record/record.ts'
import { copyOf, UnfitValueError } from '../../component/copy.ts'

/** A user's operator returned something that is not an outcome. */
export class BadResultFault extends Fault {
  readonly code = 'use.bad_result'
  readonly disposition = 'deadLetter'
}

/** What a user's function decided, where a plain value does not say it. */
export type Verdict = (record: Record) => Outcome

/** What a user's function is given besides the value and the record. */
export interface Tools {
  /** One record with this value; needed for a list, which a function cannot return by itself. */
  value(value: unknown): Verdict
  /** A record for each of these values. */
  many(values: readonly unknown[]): Verdict
  /** Ends the record on purpose. @param reason one or two words that are counted, with no data in them */
  drop(reason: string): Verdict
  /**
   * Fails the record. @param code noun.problem, such as "score.negative" @param disposition 'deadLetter' unless said
   * @param fingerprint letters that say the same here are one group
   */
  fail(code: string, message: string, disposition?: Disposition, fingerprint?: string): Verdict
  readonly log: Log
  /** Aborts when the pipeline stops. */
  readonly signal: AbortSignal
}

const verdicts = new WeakSet<Verdict>()

/** Verdicts are told from functions of the user's own by being made here. */
function verdict(decide: Verdict): Verdict {
  verdicts.add(decide)
  return decide
}

export const verdictTools: Pick<Tools, 'value' | 'many' | 'drop' | 'fail'> = {
  value: (value) => verdict((record) => emit(record, withValue(record, copyOf(value)))),
  many: (values) => verdict((record) => eachOf(record, values)),
  drop: (reason) => verdict((record) => drop(record, checkedReason(reason))),
  fail: (code, message, disposition = 'deadLetter', fingerprint) =>
    verdict((record) => fail(record, new RecordedFault(checkedCode(code), String(message), disposition, fingerprint))),
}

function eachOf(record: Record, values: unknown): Outcome {
  if (!Array.isArray(values)) throw new BadResultFault('many() takes a list of values.')
  if (values.length === 0) return drop(record, 'returned nothing')
  return emitAll(
    record,
    values.map((value, n) => nth(record, n, copyOf(value, `value ${n}`))),
  )
}

function checkedReason(reason: unknown): string {
  if (typeof reason === 'string' && /^[A-Za-z][\w -]{0,39}$/.test(reason)) return reason
  throw new BadResultFault('drop() takes a reason of one or two words, such as "too old".')
}

function checkedCode(code: unknown): string {
  if (typeof code === 'string' && /^[a-z]\w*\.[a-z0-9_]+$/.test(code)) return code
  throw new BadResultFault('fail() takes a code of the form noun.problem, such as "score.negative".')
}

/**
 * What a user's function returned, as an outcome.
 * @throws BadResultFault when it is nothing that can be one: never does such a thing count as a success
 */
export function outcomeOf(record: Record, returned: unknown): Outcome {
  try {
    if (returned === undefined) return drop(record, 'returned nothing')
    if (typeof returned === 'function' && verdicts.has(returned as Verdict)) return (returned as Verdict)(record)
    if (Array.isArray(returned)) {
      throw new BadResultFault(
        'It returned a list: return many(list) for a record each, or value(list) for one record that holds the list.',
      )
    }
    return emit(record, withValue(record, copyOf(returned)))
  } catch (thrown) {
    if (thrown instanceof UnfitValueError) throw new BadResultFault(`What it returned is no value: ${thrown.message}.`)
    throw thrown
  }
}
