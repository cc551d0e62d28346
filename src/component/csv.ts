import { CsvError, parse, type Options } from 'csv-parse/sync'
import { ReadingProblem } from './reading.ts'

/** A row of a table, by the names of its columns; every value is text. */
type CsvRow = { readonly [column: string]: string }

export interface CsvTable {
  readonly columns: readonly string[]
  /** Each row with the line it ends on, counted from 1. */
  readonly rows: readonly { readonly row: CsvRow; readonly line: number }[]
}

const problems: { readonly [code: string]: string } = {
  CSV_RECORD_INCONSISTENT_COLUMNS: 'it has more or fewer fields than there are columns',
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: 'it has more or fewer fields than the row before',
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quote; a quote inside quotes is written twice',
  INVALID_OPENING_QUOTE:
    'a quote stands inside an unquoted field; such a field is quoted, and its quotes written twice',
}

/**
 * Reads CSV (RFC 4180) whose first row names the columns.
 * @throws ReadingProblem
 */
export function readCsvTable(text: string, delimiter = ','): CsvTable {
  let columns: readonly string[] = []
  const named = (header: string[]) => {
    const repeated = header.find((name, index) => header.indexOf(name) !== index)
    if (repeated !== undefined) throw new ReadingProblem(`two columns are named "${repeated}"`)
    return (columns = header)
  }
  const rows = readRows<{ record: CsvRow; info: { lines: number } }>(text, { delimiter, columns: named, info: true })
  return { columns, rows: rows.map(({ record, info }) => ({ row: record, line: info.lines })) }
}

/**
 * Reads one row of CSV (RFC 4180).
 * @returns its fields
 * @throws ReadingProblem, also when there is no row or more than one
 */
export function readCsvRow(text: string, delimiter = ','): readonly string[] {
  const line = text.replace(/\r?\n$/, '')
  // Setting up the parser takes longer than splitting a thousand such lines.
  if (line !== '' && !/["\r\n\uFEFF]/.test(line)) return line.split(delimiter)
  const rows = readRows<string[]>(text, { delimiter })
  if (rows.length !== 1) throw new ReadingProblem(`it has ${rows.length} rows; expected one`)
  return rows[0]!
}

/** Writes one row of CSV, without an end of line; fields are quoted where they need it. */
export const writeCsvRow = (fields: readonly string[], delimiter = ','): string =>
  fields
    .map((text) => (/["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(delimiter)

function readRows<T>(text: string, options: Options): T[] {
  try {
    return parse(text, { bom: true, skip_empty_lines: true, ...options }) as unknown[] as T[]
  } catch (cause) {
    if (cause instanceof ReadingProblem || !(cause instanceof CsvError)) throw cause
    const line = typeof cause.lines === 'number' ? `line ${cause.lines}: ` : ''
    throw new ReadingProblem(`${line}${problems[cause.code] ?? cause.code}`)
  }
}
