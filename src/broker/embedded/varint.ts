/** Bytes that writeVarint needs for a number: seven bits a byte, any integer from 0 to 2^53 - 1. */
export function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

/** Writes the number and returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let at = position
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128
  bytes[at++] = rest
  return at
}
