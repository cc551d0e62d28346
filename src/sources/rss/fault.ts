import { Fault } from '../../record/fault.ts'

/** The document is not a feed, or not a whole one: none of its entries is read. */
export class FeedUnreadableFault extends Fault {
  readonly code = 'feed.unreadable'
  readonly disposition = 'deadLetter'
}

/** The document is damaged outside its entries, which are read all the same. */
export class FeedDamagedFault extends Fault {
  readonly code = 'feed.damaged'
  readonly disposition = 'deadLetter'
}

/** The entry is damaged: markup that does not close, bytes that are not of the feed's charset, nothing in it. */
export class EntryDamagedFault extends Fault {
  readonly code = 'entry.damaged'
  readonly disposition = 'deadLetter'
}

/** A time of the entry cannot be read. */
export class EntryBadDateFault extends Fault {
  readonly code = 'entry.bad_date'
  readonly disposition = 'deadLetter'
}

/** The entry's link is no URL, or one that would run or reveal something. */
export class EntryBadLinkFault extends Fault {
  readonly code = 'entry.bad_link'
  readonly disposition = 'deadLetter'
}
