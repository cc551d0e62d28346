/** Bytes that writeVarint needs for a number: seven bits a byte, any integer from 0 to 2^53 - 1. */
export function varintSize(value: number): number {
  if (value < 128) return 1
  if (value < 16_384) return 2
  let size = 3
  for (let rest = Math.floor(value / 2_097_152); rest >= 1; rest = Math.floor(rest / 128)) size++
  return size
}

/** Writes the number. @returns the place after it */
export function writeVarint(to: Uint8Array, start: number, value: number): number {
  let position = start
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) to[position++] = (rest % 128) | 0x80
  to[position++] = rest
  return position
}
