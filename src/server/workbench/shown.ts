import { isUtf8 } from 'node:buffer'

/** Bytes as they are shown: as text where they are UTF-8. */
export interface ShownBytes {
  /** Of all of them, also of those that are not shown. */
  readonly size: number
  readonly text?: string
  readonly base64?: string
  /** Only the beginning is shown. */
  readonly cut?: true
  /** Fields of it are hidden from who asks, or all of it. */
  readonly masked?: true
}

/** @param most bytes that are shown */
export function shownBytes(bytes: Buffer, most: number): ShownBytes {
  const size = bytes.length
  const cut = size > most ? ({ cut: true } as const) : {}
  const shown = size > most ? bytes.subarray(0, endOfCharacter(bytes, most)) : bytes
  return isUtf8(shown) ? { size, text: shown.toString(), ...cut } : { size, base64: shown.toString('base64'), ...cut }
}

/** Where the last whole character before an offset ends: what follows it begins with another. */
function endOfCharacter(bytes: Buffer, offset: number): number {
  let end = offset
  while (end > offset - 4 && end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return end
}

/** A time of a record, which somebody else may have made up. */
export const timeOf = (milliseconds: number): string | null =>
  Math.abs(milliseconds) <= 8.64e15 ? new Date(milliseconds).toISOString() : null
