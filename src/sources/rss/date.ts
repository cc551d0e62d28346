const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const monthName = '(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\\.?'
const dayName = '(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\\.?,?\\s+)?'
const time = '(\\d{1,2}):(\\d\\d)(?::(\\d\\d)(?:[.,](\\d+))?)?'
const zone = '([a-z]{1,5}|(?:(?:gmt|utc)\\s*)?[+-]\\d\\d(?::?\\d\\d)?)'

/** "Tue, 03 Jun 2003 09:39:21 GMT" and what feeds make of it. */
const rfc822 = new RegExp(
  `^${dayName}(\\d{1,2})[\\s-]+${monthName}[\\s-]+(\\d{4}|\\d\\d),?(?:\\s+${time}(?:\\s*${zone})?)?$`,
)
/** "2003-06-03T09:39:21Z", also with a space, without seconds, or the date alone. */
const iso8601 = new RegExp(`^(\\d{4})-(\\d\\d)-(\\d\\d)(?:(?:t|\\s+)${time}(?:\\s*${zone})?)?$`)
/** "Tue Jun  3 09:39:21 GMT 2003", the C library's. */
const asctime = new RegExp(`^${dayName}${monthName}\\s+(\\d{1,2})\\s+${time}(?:\\s+${zone})?\\s+(\\d{4})$`)

/** Hours east of UTC. Names that mean several zones (BST, IST) are left out: a wrong hour is worse than none. */
const zones: { readonly [name: string]: number } = {
  z: 0, ut: 0, utc: 0, gmt: 0, wet: 0, west: 1, cet: 1, cest: 2, eet: 2, eest: 3, msk: 3, jst: 9, aest: 10, aedt: 11,
  est: -5, edt: -4, cst: -6, cdt: -5, mst: -7, mdt: -6, pst: -8, pdt: -7,
} // prettier-ignore

interface Moment {
  readonly year: string
  readonly month: number
  readonly day: string
  /** Hour, minute, second, fraction, zone, as far as they are given. */
  readonly rest: readonly (string | undefined)[]
}

/**
 * A date of a feed, read strictly: RFC 822, ISO 8601 and asctime with their common variants, and nothing guessed.
 * A time without a zone is UTC; a date without a time is its midnight.
 * @returns ISO 8601 in UTC, to the millisecond; undefined for what is not such a date or not a day of the calendar
 */
export function readFeedDate(text: string): string | undefined {
  const moment = parts(text.trim().toLowerCase())
  if (!moment) return undefined
  const [hour = '0', minute = '0', second = '0', fraction = '', zoneName = 'z'] = moment.rest
  const offset = offsetMinutes(zoneName)
  const year = fullYear(moment.year)
  const [month, day] = [moment.month, Number(moment.day)]
  const isDay =
    year >= 1000 && month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
  // A leap second is the next one's first.
  if (offset === undefined || !isDay || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60)
    return undefined
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'))
  const at = Date.UTC(year, month - 1, day, Number(hour), Number(minute) - offset, Number(second), milliseconds)
  return new Date(at).toISOString()
}

function parts(text: string): Moment | undefined {
  const iso = iso8601.exec(text)
  if (iso) return { year: iso[1]!, month: Number(iso[2]), day: iso[3]!, rest: iso.slice(4) }
  const mail = rfc822.exec(text)
  if (mail) return { year: mail[3]!, month: monthNumber(mail[2]!), day: mail[1]!, rest: mail.slice(4) }
  const c = asctime.exec(text)
  if (c) return { year: c[8]!, month: monthNumber(c[1]!), day: c[2]!, rest: c.slice(3, 8) }
  return undefined
}

const monthNumber = (name: string): number => months.indexOf(name.slice(0, 3)) + 1

/** Years of two digits as RFC 2822 reads them. */
function fullYear(text: string): number {
  const year = Number(text)
  return text.length > 2 ? year : year < 50 ? 2000 + year : 1900 + year
}

function offsetMinutes(name: string): number | undefined {
  const numeric = /([+-])(\d\d):?(\d\d)?$/.exec(name)
  if (!numeric) return Object.hasOwn(zones, name) ? zones[name]! * 60 : undefined
  const [, sign, hours, minutes = '0'] = numeric
  const size = Number(hours) * 60 + Number(minutes)
  return Number(hours) > 23 || Number(minutes) > 59 ? undefined : sign === '-' ? -size : size
}
