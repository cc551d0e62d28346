import { isUtf8 } from 'node:buffer'
import type { StoredRecord } from '../record/record.ts'
import { printable } from './output.ts'

const longestHeader = 200

/** A record for people: its place, time, key and value on a line, each header on a line below. */
export function recordLines({ partition, offset, timestamp, key, headers, value }: StoredRecord): string {
  const place = `${partition}/${offset}  ${new Date(timestamp).toISOString()}  ${key === null ? '-' : bytesText(key)}`
  const below = headers.map(
    ([name, text]) => `    ${printable(name)}: ${clip(text === null ? 'null' : bytesText(text))}\n`,
  )
  return `${place}  ${value === null ? '(tombstone)' : bytesText(value)}\n${below.join('')}`
}

/** Bytes as a terminal may show them. */
export function bytesText(bytes: Buffer): string {
  return isUtf8(bytes) ? printable(bytes.toString()).replaceAll('\n', '\\n') : `(base64) ${bytes.toString('base64')}`
}

const clip = (text: string): string => (text.length > longestHeader ? `${text.slice(0, longestHeader)}…` : text)
