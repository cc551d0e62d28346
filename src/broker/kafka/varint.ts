import { varintSize, writeVarint } from '../varint.ts'

/** A number with a sign as Kafka writes it: the sign in the lowest bit. */
export const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1)

/** From here on twice the number is none that a double has. */
const large = 2 ** 52
/** Bytes of what is larger, up to the last moment that a Date can hold. */
const largeSize = 8

const isLarge = (value: number): boolean => value >= large || value < -large

/** Bytes of a number with a sign. */
export const varlongSize = (value: number): number => (isLarge(value) ? largeSize : varintSize(zigzag(value)))

/** Writes a number with a sign. @returns the place after it */
export function writeVarlong(to: Buffer, start: number, value: number): number {
  if (!isLarge(value)) return writeVarint(to, start, zigzag(value))
  let rest = value >= 0 ? BigInt(value) << 1n : (BigInt(-value) << 1n) - 1n
  let position = start
  for (; rest >= 128n; rest >>= 7n) to[position++] = Number(rest & 127n) | 0x80
  to[position++] = Number(rest)
  return position
}

/** A number with a sign whose bytes they are. */
export function largeVarlong(bytes: Uint8Array): number {
  let value = 0n
  bytes.forEach((byte, at) => (value |= BigInt(byte & 0x7f) << BigInt(7 * at)))
  return Number((value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n))
}
