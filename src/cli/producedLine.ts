import { isUtf8 } from 'node:buffer'
import { readDate } from '../component/dates.ts'
import { fieldKey } from '../component/fieldKey.ts'
import { kindOf } from '../record/kind.ts'
import type { Header, OutputRecord } from '../record/record.ts'

/** How lines are read. */
export interface LineForm {
  readonly key?: string
  readonly keyField?: string
  /** Lines are text, not JSON. */
  readonly raw?: true
}

/** What is wrong with a line. */
export class LineProblem extends Error {
  override readonly name = 'LineProblem'
}

const members = ['topic', 'partition', 'offset', 'timestamp', 'key', 'keyBase64', 'headers', 'value', 'valueBase64']

/**
 * Makes the function that reads a line of input as a record; it gives undefined for an empty line.
 * @throws LineProblem, as that function does
 */
export function lineReader(topic: string, form: LineForm): (line: Buffer, now: number) => OutputRecord | undefined {
  const keyOf = form.keyField === undefined ? undefined : fieldKey(form.keyField)
  const key = form.key === undefined ? null : Buffer.from(form.key)

  return (line, now) => {
    const bytes = line.at(-1) === carriageReturn ? line.subarray(0, -1) : line
    if (bytes.length === 0) return undefined
    const plain = { topic, key, value: bytes, headers: [], timestamp: now }
    if (form.raw) return plain
    if (!isUtf8(bytes)) throw new LineProblem('it is not UTF-8; --raw takes any bytes')
    const text = bytes.toString()
    const document = parse(text)
    if (keyOf) return { ...plain, key: keyOf(bytes) ?? missing(form.keyField!) }
    if (key === null && isRecord(document)) return { topic, ...readRecord(document, text, now) }
    return plain
  }
}

const carriageReturn = 13

function missing(path: string): never {
  throw new LineProblem(`it has no field "${path}" to take the key from`)
}

type Members = { readonly [name: string]: unknown }

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new LineProblem(`it is not JSON: ${(thrown as Error).message}; --raw takes any text`)
  }
}

function isRecord(document: unknown): document is Members {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return false
  const names = Object.keys(document)
  return (names.includes('value') || names.includes('valueBase64')) && names.every((name) => members.includes(name))
}

function readRecord(document: Members, text: string, now: number): Omit<OutputRecord, 'topic'> {
  const { key = null, value, headers = [], partition, timestamp = now } = document
  if (partition !== undefined && !isWhole(partition)) throw new LineProblem('"partition" is not a whole number')
  return {
    key: document.keyBase64 === undefined ? textBytes(key, '"key"') : base64Bytes(document.keyBase64, '"keyBase64"'),
    value:
      document.valueBase64 === undefined ? jsonBytes(value, text) : base64Bytes(document.valueBase64, '"valueBase64"'),
    headers: readHeaders(headers),
    timestamp: readTime(timestamp),
    ...(partition !== undefined && { partition }),
  }
}

function readTime(time: unknown): number {
  const text = typeof time === 'string' ? readDate(time, 'iso', 'utc') : undefined
  const milliseconds = text === undefined ? time : Date.parse(text)
  if (isWhole(milliseconds)) return milliseconds
  throw new LineProblem(
    '"timestamp" is neither whole milliseconds since 1970 nor ISO 8601 such as "2026-01-31T12:00:00Z"; if the line is all value, say --raw',
  )
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function readHeaders(headers: unknown): Header[] {
  if (!Array.isArray(headers)) throw new LineProblem('"headers" is not a list of [name, value]')
  return (headers as readonly unknown[]).map((pair): Header => {
    const [name, value] = Array.isArray(pair) ? (pair as readonly unknown[]) : []
    if (typeof name !== 'string') throw new LineProblem('"headers" is not a list of [name, value]')
    const base64 =
      typeof value === 'object' && value !== null ? (value as { readonly base64?: unknown }).base64 : undefined
    const what = `the header "${name}"`
    return [name, base64 === undefined ? textBytes(value, what) : base64Bytes(base64, what)]
  })
}

function textBytes(value: unknown, what: string): Buffer | null {
  if (value === null) return null
  if (typeof value === 'string') return Buffer.from(value)
  throw new LineProblem(`${what} is ${kindOf(value)}, must be text or null; if the line is all value, say --raw`)
}

function base64Bytes(value: unknown, what: string): Buffer {
  const bytes = Buffer.from(typeof value === 'string' ? value : '', 'base64')
  if (bytes.toString('base64') === value) return bytes
  throw new LineProblem(`${what} is not base64`)
}

/** A value as the line has it: its numbers may have more digits than those of JavaScript. */
function jsonBytes(value: unknown, line: string): Buffer | null {
  if (value === null) return null
  const text = JSON.stringify(value)
  // So "oxbow read" writes it; finding the member takes three times as long.
  const plain = line.endsWith(`"value":${text}}`)
  return Buffer.from(plain ? text : (memberText(line, 'value') ?? text))
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** The text of a member's value in the text of a JSON object; undefined where its name is not written plainly. */
function memberText(object: string, name: string): string | undefined {
  const wanted = JSON.stringify(name)
  let found: string | undefined
  let start: number | undefined
  let depth = 0
  let last = ''
  for (const { 0: token, index } of object.matchAll(tokens)) {
    if (token === '}' || token === ']') depth--
    if (start !== undefined && (depth === 0 || (depth === 1 && token === ','))) {
      found = object.slice(start, index).trim()
      start = undefined
    }
    if (depth === 1 && token === ':' && last === wanted) start = index + 1
    if (token === '{' || token === '[') depth++
    last = token
  }
  return found
}
