/** Takes what must not be read out of faults before they are written down. */
export interface Redact {
  /** The paths into records' values that the config wants hidden. */
  readonly fields: readonly string[]
  /** @param text a message or stack @param value the record's value, whose configured fields may be quoted in it */
  text(text: string, value: unknown): string
  /** The value with its configured fields masked; the value itself where there is nothing to mask. */
  value(value: unknown): unknown
  /** The JSON of a value without the secrets of the environment. */
  json(json: string): string
}

export const mask = '[redacted]'

/** No credential is without one of these; most texts have none, and are told at one look. */
const telling = /:\/\/|authorization|passw|secret|token|api[_-]?key/i

/** In time that grows with the text alone: a message may be of any size. */
const credentials = [
  /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/gi,
  /(\b(?:authorization|proxy-authorization)["']?\s*[:=]\s*["']?(?:(?:bearer|basic)\s+)?)[\w.~+/=-]{6,}/gi,
  /(\b(?:password|passwd|secret|token|api[_-]?key)["']?\s*[:=]\s*["']?)[^\s"',;&]{3,}/gi,
]

/**
 * @param fields paths into the record's value that the config wants hidden
 * @param secrets texts that came from the environment and are never to be shown
 */
export function redactor(fields: readonly string[], secrets: readonly string[]): Redact {
  const known = secrets.filter((secret) => secret.length >= 4).toSorted((a, b) => b.length - a.length)
  return {
    fields,
    text(text, value) {
      let clean = text
      for (const secret of [...known, ...quotedFields(value, fields)]) clean = clean.replaceAll(secret, mask)
      if (!telling.test(clean)) return clean
      for (const pattern of credentials) clean = clean.replace(pattern, `$1${mask}`)
      return clean
    },
    value: (value) => fields.reduce((masked, path) => maskField(masked, path.split('.')), value),
    json: (json) => known.reduce((clean, secret) => clean.replaceAll(JSON.stringify(secret).slice(1, -1), mask), json),
  }
}

function quotedFields(value: unknown, fields: readonly string[]): string[] {
  return fields
    .flatMap((path) => fieldsAt(value, path.split('.')))
    .filter((found) => (typeof found === 'string' && found.length > 0) || typeof found === 'number')
    .map(String)
}

/** What stands at a path, in each element of the arrays on the way. */
function fieldsAt(value: unknown, [name, ...rest]: readonly string[]): unknown[] {
  if (Array.isArray(value))
    return value.flatMap((element) => fieldsAt(element, name === undefined ? [] : [name, ...rest]))
  if (name === undefined) return [value]
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return []
  return fieldsAt((value as { [name: string]: unknown })[name], rest)
}

function maskField(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return mask
  if (Array.isArray(value)) return value.map((element) => maskField(element, [name, ...rest]))
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return value
  return { ...value, [name]: maskField((value as { [name: string]: unknown })[name], rest) }
}

/** The text cut to at most `limit` bytes of UTF-8, with a mark where it was cut. */
export function bounded(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text
  const cut = Buffer.from(text)
    .subarray(0, limit - 3)
    .toString()
    .replace(/\uFFFD+$/, '')
  return `${cut}…`
}
