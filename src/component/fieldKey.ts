/**
 * How a record's key is taken from its JSON value.
 * @param path dotted path of the field
 * @returns a function from a value's bytes to the field as text (objects and lists as JSON); to no key where the field is
 * absent or null, or the bytes are not JSON: decoding them says so later
 */
export function fieldKey(path: string): (value: Buffer) => Buffer | null {
  const names = path.split('.')
  return (bytes) => {
    const value = names.reduce(member, parsed(bytes))
    if (value === undefined || value === null) return null
    return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  }
}

function member(value: unknown, name: string): unknown {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined
  return (value as { readonly [name: string]: unknown })[name]
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // The record is kept, and its decoding fails with the reason.
    return undefined
  }
}
