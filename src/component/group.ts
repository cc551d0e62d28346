import { isUtf8 } from 'node:buffer'

/** A record's key as text for the keys of state, in the order of the key's bytes where they are text; "" for no key. */
export function groupOf(key: Buffer | null): string {
  if (key === null) return ''
  const text = key.toString()
  // Bytes that are no text become this character, which text may have as well.
  return !text.includes('\ufffd') || isUtf8(key) ? `=${text}` : `~${key.toString('hex')}`
}

/** The key that a group was made of. */
export function keyOf(group: string): Buffer | null {
  if (group === '') return null
  return Buffer.from(group.slice(1), group.startsWith('=') ? 'utf8' : 'hex')
}
