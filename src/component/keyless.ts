import { Fault } from '../record/fault.ts'

/** Something works by the record's key, and it has none. */
export class KeylessFault extends Fault {
  readonly code = 'record.no_key'
  readonly disposition = 'deadLetter'
}
