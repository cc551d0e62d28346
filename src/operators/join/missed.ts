import { Fault } from '../../record/fault.ts'

/** There is nothing that the record could be joined with. */
export class JoinMissedFault extends Fault {
  readonly code = 'join.missed'
  readonly disposition = 'deadLetter'
}

/** What becomes of a record that met none and may not leave alone. */
export type Missing = 'drop' | 'deadLetter'
