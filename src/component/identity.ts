import { createHash } from 'node:crypto'

/**
 * A JSON-able value as text that no other value shares: fields in one order, a number apart from its text.
 * What is longer than 256 characters is hashed, so that it can stand in the key of a state store.
 */
export function identityOf(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value, inOrder)
  return text.length <= 256 ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function inOrder(_name: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
