import { Fault } from '../record/fault.ts'

abstract class UnreadableFault extends Fault {
  readonly disposition = 'deadLetter'

  /** @param what what cannot be read, such as `"price"` @param problem what is wrong with it, without showing it */
  constructor(what: string, problem: string, options?: ErrorOptions) {
    super(`${what} cannot be read: ${problem}.`, options)
  }
}

export class JsonUnreadableFault extends UnreadableFault {
  readonly code = 'json.unreadable'
}

export class CsvUnreadableFault extends UnreadableFault {
  readonly code = 'csv.unreadable'
}

export class TextUnreadableFault extends UnreadableFault {
  readonly code = 'text.unreadable'
}

export class NumberUnreadableFault extends UnreadableFault {
  readonly code = 'number.unreadable'
}

export class DateUnreadableFault extends UnreadableFault {
  readonly code = 'date.unreadable'
}
