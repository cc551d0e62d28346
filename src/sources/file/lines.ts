import { fieldKey } from '../../component/fieldKey.ts'
import { Fault } from '../../record/fault.ts'
import type { SourceRecord } from '../../component/source.ts'

/** A line is longer than `maxLine`; the record holds its first bytes, and the file the rest. */
export class LineTooLongFault extends Fault {
  readonly code = 'line.too_long'
  readonly disposition = 'deadLetter'

  constructor(path: string, offset: number, maxLine: number) {
    super(`The line at byte ${offset} of "${path}" is longer than ${maxLine} B; its first bytes are kept. See maxLine.`)
  }
}

/** Where cutting goes on. */
export type Place = {
  /** Of the first byte not cut yet. */
  readonly offset: number
  /** Inside a line that was too long and is skipped up to its newline. */
  readonly skipping?: boolean
  /** The names of the columns, once the first row of CSV gave them. */
  readonly columns?: readonly string[]
}

export interface Cutting {
  readonly records: readonly SourceRecord[]
  readonly place: Place
}

/**
 * Cuts whole lines or rows off the window, whose first byte lies at the place; what is not whole stays.
 * @param final whether the file ends with the window, so that its last line needs no newline
 */
export type Cut = (window: Buffer, place: Place, final: boolean) => Cutting

export interface LineOptions {
  readonly path: string
  readonly maxLine: number
  readonly key?: string | undefined
}

/** Records that one cut gives at most. */
export const maxRecords = 5_000
/** Bytes kept of a line that is too long. */
const keptOfTooLong = 65_536
const newline = 10
const carriageReturn = 13

/** Lines as records, their bytes untouched; blank ones are passed over. */
export function cutLines({ path, maxLine, key }: LineOptions): Cut {
  const keyOf = key === undefined ? () => null : fieldKey(key)
  const record = (line: Buffer, offset: number): SourceRecord =>
    line.length > maxLine ? tooLong(line, path, offset, maxLine) : { key: keyOf(line), value: line }

  return (window, place, final) => {
    const records: SourceRecord[] = []
    let { skipping = false } = place
    let start = afterByteOrderMark(window, place.offset)

    while (records.length < maxRecords && start < window.length) {
      const found = window.indexOf(newline, start)
      if (found === -1 && !final) {
        if (!skipping && window.length - start <= maxLine) break
        if (!skipping) records.push(tooLong(window.subarray(start), path, place.offset + start, maxLine))
        skipping = true
        start = window.length
        break
      }
      const end = found === -1 ? window.length : found
      const line = window.subarray(start, window[end - 1] === carriageReturn && end > start ? end - 1 : end)
      if (!skipping && !isBlank(line)) records.push(record(line, place.offset + start))
      skipping = false
      start = Math.min(end + 1, window.length)
    }
    return { records, place: { offset: place.offset + start, ...(skipping && { skipping }) } }
  }
}

/** A record that holds the beginning of a line, or row, that is too long. */
export function tooLong(line: Buffer, path: string, offset: number, maxLine: number): SourceRecord {
  const value = line.subarray(0, Math.min(maxLine, keptOfTooLong))
  return { key: null, value, fault: new LineTooLongFault(path, offset, maxLine) }
}

/** Where a file's text begins in the window: after the UTF-8 byte order mark at its very start. */
export function afterByteOrderMark(window: Buffer, offset: number): number {
  return offset === 0 && window[0] === 0xef && window[1] === 0xbb && window[2] === 0xbf ? 3 : 0
}

/** Whether there is nothing but spaces, tabs and line ends. */
export function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 32 || (byte >= 9 && byte <= 13))
}
