import { readFileSync, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { field, type Record } from '../record/record.ts'
import { kindOf } from '../record/kind.ts'
import { readCsvTable } from './csv.ts'
import { readJson, ReadingProblem } from './reading.ts'

export type TableRow = { readonly [name: string]: unknown }

/** Rows by the text of their key: 7 and "7" are one key, as CSV knows no numbers. */
export type Table = ReadonlyMap<string, TableRow>

interface PlacedRow {
  /** Where it stands, for messages: "line 3". */
  readonly at: string
  readonly row: unknown
}

const maxBytes = 64 * 1024 * 1024

/**
 * Reads a table whole.
 * @param table path of a .csv, .json (a list of objects) or .jsonl file, or the rows themselves
 * @param on the column or field that holds a row's key
 * @param directory where a relative path starts from
 * @throws Error that says which row is wrong and how
 */
export function readTable(table: string | readonly TableRow[], on: string, directory: string): Table {
  if (typeof table !== 'string') return indexed(listed(table), on, 'the table')
  const file = resolve(directory, table)
  return indexed(rowsOf(file, table), on, `the table "${table}"`)
}

/** A row's key as text; undefined for what is no key: null, an object, a list. */
export const keyOf = (value: unknown): string | undefined =>
  ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : undefined

function indexed(rows: readonly PlacedRow[], on: string, title: string): Table {
  const found = new Map<string, PlacedRow>()
  for (const placed of rows) {
    if (kindOf(placed.row) !== 'object')
      throw new Error(`${title}, ${placed.at}: expected an object, found ${kindOf(placed.row)}`)
    const key = keyOf(field({ value: placed.row } as Record, on))
    if (key === undefined || key === '') {
      throw new Error(
        `${title}, ${placed.at}: no key in "${on}"; it has ${Object.keys(placed.row as TableRow).join(', ')}`,
      )
    }
    const earlier = found.get(key)
    if (earlier) throw new Error(`${title}: ${earlier.at} and ${placed.at} have the same key "${key}" in "${on}"`)
    found.set(key, placed)
  }
  return new Map([...found].map(([key, { row }]) => [key, row as TableRow]))
}

function rowsOf(file: string, title: string): readonly PlacedRow[] {
  try {
    const { size } = statSync(file)
    if (size > maxBytes) throw new ReadingProblem(`it is ${size} bytes; at most ${maxBytes} are held in memory`)
    const text = readFileSync(file, 'utf8')
    switch (extname(file).toLowerCase()) {
      case '.csv':
        return readCsvTable(text).rows.map(({ row, line }) => ({ at: `line ${line}`, row }))
      case '.jsonl':
        return jsonLines(text)
      case '.json':
        return jsonList(text)
      default:
        throw new ReadingProblem('expected a .csv, .json or .jsonl file')
    }
  } catch (cause) {
    throw new Error(`the table "${title}" cannot be read from ${file}: ${(cause as Error).message}`, { cause })
  }
}

const listed = (rows: readonly unknown[]): readonly PlacedRow[] =>
  rows.map((row, index) => ({ at: `row ${index + 1}`, row }))

function jsonList(text: string): readonly PlacedRow[] {
  const list = readJson(text)
  if (!Array.isArray(list)) throw new ReadingProblem(`it is of type ${kindOf(list)}; expected a list of objects`)
  return listed(list)
}

function jsonLines(text: string): readonly PlacedRow[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const at = `line ${index + 1}`
    try {
      return { at, row: readJson(line) }
    } catch (cause) {
      throw new ReadingProblem(`${at}: ${(cause as Error).message}`, { cause })
    }
  })
}
