import { DateTime, type DateTimeOptions } from 'luxon'
import { z } from 'zod'

/** ISO 8601 with its whole date, so that nothing is filled in from the clock. */
const completeIso = /^\d{4}-?(\d\d-?\d\d|W\d\d-?\d|\d{3})(T|$)/
/** The form that most machines write, read without Luxon, in a third of its time. */
const plainUtc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/
const decimal = /^-?\d+(\.\d+)?$/

type Reader = (text: string, options: DateTimeOptions) => DateTime

const readers = {
  iso: (text, options) => {
    const iso = text.toUpperCase()
    return completeIso.test(iso) ? DateTime.fromISO(iso, options) : DateTime.invalid('without a whole date')
  },
  rfc822: (text, options) => DateTime.fromRFC2822(text, options),
  sql: (text, options) => (/^\d{4}-/.test(text) ? DateTime.fromSQL(text, options) : DateTime.invalid('without a date')),
  unix: (text) => epoch(text, 1_000),
  unixMillis: (text) => epoch(text, 1),
} satisfies { [name: string]: Reader }

const writers: { readonly [name: string]: (date: DateTime) => string | number | null } = {
  iso: (date) => date.toISO(),
  rfc822: (date) => date.toRFC2822(),
  sql: (date) => date.toSQL(),
  unix: (date) => Math.floor(date.toSeconds()),
  unixMillis: (date) => date.toMillis(),
}

/** A config field for how dates are written: a name, or a pattern of Luxon's tokens. */
export const dateFormat = () =>
  z
    .string()
    .min(1)
    .refine(
      (format) => Object.hasOwn(readers, format) || namesYear(format),
      `expected ${Object.keys(readers).join(', ')}, or a pattern with a year such as "dd/MM/yyyy HH:mm"`,
    )

/** A config field for a time zone. */
export const timeZone = () =>
  z.string().refine((zone) => DateTime.fromMillis(0, { zone }).isValid, 'expected a time zone such as "Europe/Rome"')

/**
 * Reads a date.
 * @param format a name of `dateFormat`, or a pattern; without one, text in ISO 8601, RFC 822 or SQL's form is understood
 * @param zone the zone of text that names none
 * @returns the date as ISO 8601 in UTC, to the millisecond; undefined where it cannot be read
 */
export function readDate(value: string | number, format: string | undefined, zone: string): string | undefined {
  const options = { zone, locale: 'en-US' }
  const text = typeof value === 'number' ? String(value) : value.trim()
  if ((format === undefined || format === 'iso') && plainUtc.test(text)) {
    const milliseconds = Date.parse(text)
    const iso = Number.isNaN(milliseconds) ? '' : new Date(milliseconds).toISOString()
    // Else it was a 31st of February, taken for a day in March.
    if (iso.startsWith(text.slice(0, 19))) return iso
  }
  for (const reader of readersOf(format)) {
    const date = reader(text, options).toUTC()
    if (date.isValid && date.year >= 0 && date.year <= 9999) return date.toISO() ?? undefined
  }
  return undefined
}

/**
 * Writes a date in another form.
 * @param iso a date as ISO 8601
 * @returns text, or a number for the two unix formats; undefined where `iso` is not a date
 */
export function writeDate(iso: string, format: string, zone: string): string | number | undefined {
  const read = readDate(iso, 'iso', 'utc')
  if (read === undefined) return undefined
  const date = DateTime.fromISO(read, { zone, locale: 'en-US' })
  return (Object.hasOwn(writers, format) ? writers[format]!(date) : date.toFormat(format)) ?? undefined
}

function readersOf(format: string | undefined): readonly Reader[] {
  if (format === undefined) return [readers.iso, readers.rfc822, readers.sql]
  if (Object.hasOwn(readers, format)) return [readers[format as keyof typeof readers]]
  return [(text, options) => DateTime.fromFormat(text, format, options)]
}

function epoch(text: string, unit: number): DateTime {
  return decimal.test(text) ? DateTime.fromMillis(Math.round(Number(text) * unit)) : DateTime.invalid('not a number')
}

/** Luxon takes the year from the machine's clock where a pattern names none; quoted text is no token. */
const namesYear = (pattern: string): boolean => /[ykDfFXx]/.test(pattern.replaceAll(/'[^']*'/g, ''))
