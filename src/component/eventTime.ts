import { readDate } from './dates.ts'
import type { RecordExpression } from './expression.ts'
import { Fault } from '../record/fault.ts'
import { kindOf } from '../record/kind.ts'
import type { Record } from '../record/record.ts'

/** When something happened cannot be told. */
export class TimeUnreadableFault extends Fault {
  readonly code = 'time.unreadable'
  readonly disposition = 'deadLetter'

  constructor(expression: string, problem: string) {
    super(`"${expression}" gives no time: ${problem}; expected ISO 8601, or milliseconds since 1970.`)
  }
}

/** The last moment of the year 9999. */
const latest = 253_402_300_799_999

/**
 * When the record's event happened, in milliseconds since 1970.
 * @param at the field that says it; the record's timestamp where absent
 * @throws TimeUnreadableFault
 */
export function eventTime(at: RecordExpression | undefined, record: Record, now: number): number {
  if (at === undefined) return checked('timestamp', record.timestamp)
  const value = at.of(record, now)
  if (typeof value === 'number') return checked(at.text, value)
  const text = typeof value === 'string' ? readDate(value, 'iso', 'utc') : undefined
  if (text === undefined) throw new TimeUnreadableFault(at.text, problemOf(value))
  return checked(at.text, Date.parse(text))
}

const problemOf = (value: unknown): string =>
  typeof value === 'string' ? 'it is text that is no ISO 8601 date' : `it is ${kindOf(value)}`

function checked(expression: string, time: number): number {
  if (time >= 0 && time <= latest) return Math.floor(time)
  throw new TimeUnreadableFault(expression, 'it is not within the years 1970 to 9999')
}
