import { Fault } from '../record/fault.ts'
import { kindOf } from '../record/kind.ts'
import { drop, emitAll, type Outcome } from '../record/outcome.ts'
import { nth, type Record } from '../record/record.ts'

/** What must be a list is something else. */
export class NotAListFault extends Fault {
  readonly code = 'value.not_a_list'
  readonly disposition = 'deadLetter'

  /** @param what names what was looked at, quoted where it is config */
  constructor(what: string, value: unknown) {
    super(`${what} is ${kindOf(value)}, expected a list.`)
  }
}

/**
 * The record goes on as one result for each element of a list; an empty list is dropped as "empty list".
 * @param what names the list in the fault
 * @throws NotAListFault
 */
export function emitEach(record: Record, what: string, list: unknown, value: (element: unknown) => unknown): Outcome {
  if (!Array.isArray(list)) throw new NotAListFault(what, list)
  if (list.length === 0) return drop(record, 'empty list')
  return emitAll(
    record,
    list.map((element, n) => nth(record, n, value(element))),
  )
}
