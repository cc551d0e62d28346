import { isUtf8 } from 'node:buffer'
import { CsvError, parse, type Options } from 'csv-parse/sync'
import { Fault } from '../../record/fault.ts'
import type { SourceRecord } from '../../component/source.ts'
import { afterByteOrderMark, isBlank, maxRecords, tooLong, type Cut, type LineOptions } from './lines.ts'

/** A row of CSV has more or fewer columns than there are names for. */
export class RowBadColumnsFault extends Fault {
  readonly code = 'row.bad_columns'
  readonly disposition = 'deadLetter'

  constructor(path: string, offset: number, expected: number, found: number) {
    super(`The row at byte ${offset} of "${path}" has ${found} columns instead of ${expected}.`)
  }
}

/** A row of CSV whose quotes do not match, or which is not UTF-8; a record holds one line of it. */
export class RowUnreadableFault extends Fault {
  readonly code = 'row.unreadable'
  readonly disposition = 'deadLetter'

  constructor(path: string, offset: number, problem: string, cause?: Error) {
    super(`The row at byte ${offset} of "${path}" cannot be read: ${problem}`, { cause })
  }
}

export interface RowOptions extends LineOptions {
  readonly delimiter?: string | undefined
  readonly columns?: readonly string[] | undefined
}

/** A row as it lies in the window, its end after its newline. */
interface Row {
  readonly fields: readonly string[]
  readonly start: number
  readonly end: number
}

const newline = 10

/**
 * Rows as records whose values are JSON objects of strings. After a row that cannot be read, reading goes on with the
 * next line.
 * @throws Error when the header row gives no usable names
 */
export function cutRows(options: RowOptions): Cut {
  const { path, maxLine, delimiter } = options
  const recordOf = rowRecord(options)

  return (window, place, final) => {
    const records: SourceRecord[] = []
    const whole = final ? window.length : window.lastIndexOf(newline) + 1
    let columns = options.columns ?? place.columns
    let start = place.skipping ? lineEnd(window, 0) : afterByteOrderMark(window, place.offset)
    let skipping = place.skipping && window[start - 1] !== newline

    while (records.length < maxRecords && start < whole) {
      const limit = maxRecords - records.length
      const { rows, error } = parseRows(window.subarray(0, whole), start, limit, delimiter)
      for (const row of rows) {
        if (isBlank(window.subarray(row.start, row.end))) continue
        if (columns) records.push(recordOf(row, columns, window, place.offset))
        else columns = headerOf(row, path)
      }
      start = rows.at(-1)?.end ?? start
      if (!error) {
        if (rows.length < limit) start = whole
        continue
      }
      // The quote may be closed by what comes next.
      if (error.code === 'CSV_QUOTE_NOT_CLOSED' && !final && window.length - start <= maxLine) break
      if (!columns) throw new Error(`The header row of "${path}" cannot be read: ${error.message}`)
      const end = lineEnd(window, start)
      const line = trimmed(window.subarray(start, end))
      const fault = new RowUnreadableFault(path, place.offset + start, error.message, error)
      records.push({ key: null, value: line.subarray(0, maxLine), fault })
      start = end
    }

    if (!final && window.length - start > maxLine && !window.includes(newline, start)) {
      if (!skipping) records.push(tooLong(window.subarray(start), path, place.offset + start, maxLine))
      skipping = true
      start = window.length
    }
    const offset = place.offset + start
    return { records, place: { offset, ...(skipping && { skipping }), ...(columns && { columns }) } }
  }
}

/** The rows up to the first that cannot be read. */
function parseRows(window: Buffer, from: number, limit: number, delimiter = ','): { rows: Row[]; error?: CsvError } {
  const rows: Row[] = []
  const options: Options = {
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
    to: limit,
    on_record(fields: readonly string[], { bytes }) {
      rows.push({ fields, start: rows.at(-1)?.end ?? from, end: from + bytes })
      return null
    },
  }
  try {
    parse(window.subarray(from), options)
    return { rows }
  } catch (error) {
    if (error instanceof CsvError) return { rows, error }
    throw error
  }
}

function rowRecord({ path, maxLine, key }: RowOptions) {
  return (row: Row, columns: readonly string[], window: Buffer, offset: number): SourceRecord => {
    const { fields } = row
    const bytes = trimmed(window.subarray(row.start, row.end))
    const at = offset + row.start
    if (bytes.length > maxLine) return tooLong(bytes, path, at, maxLine)
    if (fields.length !== columns.length) {
      return { key: null, value: bytes, fault: new RowBadColumnsFault(path, at, columns.length, fields.length) }
    }
    if (!isUtf8(bytes)) return { key: null, value: bytes, fault: new RowUnreadableFault(path, at, 'it is not UTF-8.') }
    const value = columns.map((name, i) => `${JSON.stringify(name)}:${JSON.stringify(fields[i])}`).join(',')
    const keyText = key === undefined ? undefined : fields[columns.indexOf(key)]
    return { key: keyText === undefined ? null : Buffer.from(keyText), value: Buffer.from(`{${value}}`) }
  }
}

function headerOf({ fields }: Row, path: string): readonly string[] {
  const repeated = fields.find((name, i) => fields.indexOf(name) !== i)
  if (repeated === undefined) return fields
  throw new Error(`The header row of "${path}" names the column "${repeated}" twice; name the columns apart.`)
}

/** Where the line of the position ends, after its newline. */
function lineEnd(window: Buffer, position: number): number {
  const found = window.indexOf(newline, position)
  return found === -1 ? window.length : found + 1
}

/** The row without the empty lines before it and the newline after it. */
function trimmed(row: Buffer): Buffer {
  const isBreak = (byte: number | undefined) => byte === newline || byte === 13
  let start = 0
  let end = row.length
  while (isBreak(row[start])) start++
  while (end > start && isBreak(row[end - 1])) end--
  return row.subarray(start, end)
}
