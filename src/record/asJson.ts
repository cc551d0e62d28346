import { isUtf8 } from 'node:buffer'
import type { Header, StoredRecord } from './record.ts'

/**
 * A record as one line of JSON, from which every byte of it can be had back:
 * `{topic, partition, offset, timestamp, key, headers: [[name, value]…], value}`. A key that is not UTF-8 is `keyBase64`,
 * a value that is not JSON `valueBase64`, a header's value that is not UTF-8 `{base64}`. JSON stays as it was written, but
 * for the white space around line ends. A null value is a tombstone; the text `null` is base64, to tell it apart.
 */
export function recordAsJson({ topic, partition, offset, timestamp, key, headers, value }: StoredRecord): string {
  const place = `"topic":${JSON.stringify(topic)},"partition":${partition},"offset":${offset},"timestamp":${timestamp}`
  return `{${place},${keyMember(key)},"headers":${headersAsJson(headers)},${valueMember(value)}}`
}

/** The member of a JSON object that holds a key: `"key":…` or `"keyBase64":…`. */
export function keyMember(key: Buffer | null): string {
  if (key === null) return '"key":null'
  return isUtf8(key) ? `"key":${JSON.stringify(key.toString())}` : `"keyBase64":"${key.toString('base64')}"`
}

/** The member of a JSON object that holds a value: `"value":…` or `"valueBase64":…`. */
export function valueMember(value: Buffer | null): string {
  if (value === null) return '"value":null'
  const json = jsonText(value)
  return json === undefined ? `"valueBase64":"${value.toString('base64')}"` : `"value":${json}`
}

/** A list of `[name, value]`; a value that is not UTF-8 is `{base64}`. */
export function headersAsJson(headers: readonly Header[]): string {
  if (headers.length === 0) return '[]'
  return `[${headers.map(([name, value]) => `[${JSON.stringify(name)},${textAsJson(value)}]`).join(',')}]`
}

function textAsJson(bytes: Buffer | null): string {
  if (bytes === null) return 'null'
  return isUtf8(bytes) ? JSON.stringify(bytes.toString()) : `{"base64":"${bytes.toString('base64')}"}`
}

const startOfJson = /^[\s{["\-\dtf]/
const lineEnd = /[\r\n]/
/** Strings, which stay, or white space between the tokens of a JSON text. */
const stringOrSpace = /("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g

/** Bytes as the JSON text that they are, on one line; undefined where they are none. */
function jsonText(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString()
  if (!startOfJson.test(text) || !isJson(text)) return undefined
  if (text.trimStart().startsWith('null')) return undefined
  return lineEnd.test(text) ? text.replaceAll(stringOrSpace, '$1') : text
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false
    throw thrown
  }
}
