import { Fault } from '../../record/fault.ts'

/** A price, a time or a whole answer is not in the shape it should be; the record holds it as it came. */
export class PriceUnreadableFault extends Fault {
  readonly code = 'price.unreadable'
  readonly disposition = 'deadLetter'
}

/** A message of the market channel is of no known kind; the record holds it as it came. */
export class MessageUnknownFault extends Fault {
  readonly code = 'message.unknown'
  readonly disposition = 'deadLetter'
}
