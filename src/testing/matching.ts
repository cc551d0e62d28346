import { isDeepStrictEqual } from 'node:util'
import { plain, type Captured } from './captured.ts'
import type { Letter } from './letter.ts'
import type { Outlet } from './outlet.ts'

/** Whether a captured record is what a letter stands for. Of an alert, only the fields that the letter names count. */
export const matches = (captured: Captured, letter: Letter, kind: Outlet['kind']): boolean =>
  unlike(captured, letter, kind).length === 0

/** How a captured record differs from what a letter stands for, a line each; empty when it does not. */
export function unlike(captured: Captured, letter: Letter, kind: Outlet['kind']): string[] {
  const { failure } = captured
  return [
    ...(letter.value ? differences(plain(letter.value.of), plain(captured.value), kind === 'alerts') : []),
    ...(letter.raw === undefined ? [] : bytes('$raw', letter.raw, captured.raw ?? null)),
    ...(letter.key === undefined ? [] : bytes('$key', letter.key, captured.key)),
    ...headers(captured, letter),
    ...(letter.timestamp === undefined || kind === 'deadLetters'
      ? []
      : differences(time(letter.timestamp), time(captured.timestamp), false, '$timestamp')),
    ...(letter.fault !== undefined && failure ? differences(letter.fault, failure.code, false, '$fault') : []),
    ...(letter.operator !== undefined && failure
      ? differences(letter.operator, failure.operator, false, '$operator')
      : []),
  ]
}

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

const bytes = (name: string, expected: Buffer | null, found: Buffer | null): string[] =>
  expected === found || (expected && found?.equals(expected)) ? [] : [line(name, asText(expected), asText(found))]

/** Bytes as text where they are text. */
const asText = (value: Buffer | null): unknown => {
  if (value === null) return null
  return Buffer.from(value.toString()).equals(value) ? value.toString() : { base64: value.toString('base64') }
}

function headers(captured: Captured, letter: Letter): string[] {
  if (!letter.headers) return []
  const shown = captured.headers.map(([name, value]) => [name, asText(value)])
  if (letter.allHeaders) {
    return differences(
      letter.headers.map(([name, value]) => [name, asText(value)]),
      shown,
      false,
      '$headers',
    )
  }
  return letter.headers.flatMap(([name, value]) => {
    const found = shown.findLast(([other]) => other === name)
    return differences(asText(value), found?.[1], false, `$headers.${name}`)
  })
}

/** Where two plain values differ, a line each: `price: expected 0.4, found 0.5`. @param partly only fields of the expected one count */
function differences(expected: unknown, found: unknown, partly = false, path = ''): string[] {
  if (isDeepStrictEqual(expected, found)) return []
  if (!isObject(expected) || !isObject(found) || Array.isArray(expected) !== Array.isArray(found)) {
    return [line(path, expected, found)]
  }
  const names = new Set([...Object.keys(expected), ...(partly ? [] : Object.keys(found))])
  return [...names].flatMap((name) =>
    differences(expected[name], found[name], partly, path === '' ? name : `${path}.${name}`),
  )
}

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null

const line = (path: string, expected: unknown, found: unknown): string =>
  `${path === '' ? '' : `${path}: `}expected ${show(expected)}, found ${show(found)}`

/** A letter as its test wrote it. */
export function spelled(letter: Letter): unknown {
  const { value, raw, key, headers, timestamp, ...failure } = letter
  if (value && Object.keys(letter).length === 1) return value.of
  return {
    ...(key !== undefined && { $key: asText(key) }),
    ...(value && { $value: value.of }),
    ...(raw !== undefined && { $raw: asText(raw) }),
    ...(headers && { $headers: headers.map(([name, text]) => [name, asText(text)]) }),
    ...(timestamp !== undefined && { $timestamp: time(timestamp) }),
    ...(failure.fault !== undefined && { $fault: failure.fault }),
    ...(failure.operator !== undefined && { $operator: failure.operator }),
  }
}

/** A value as one short line of JSON. */
export function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}
