/** The next of a sequence of numbers from 0 up to, but not including, 1. */
export type Draw = () => number

/** What a record is made from. */
export interface Seedling {
  readonly index: number
  readonly seed: number
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly draw: Draw
  readonly poisoned: boolean
}

/** The sequence that belongs to one index: any index can be made without those before it. */
export function drawsAt(seed: number, index: number): Draw {
  let state = mix(Math.imul(seed, 0x9e3779b1) ^ mix(index + 0x7f4a7c15))
  return () => {
    state = (state + 0x9e3779b9) | 0
    return (mix(state) >>> 0) / 4_294_967_296
  }
}

/** Spreads the bits of a 32-bit number over all of them. */
function mix(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
  return bits ^ (bits >>> 15)
}
