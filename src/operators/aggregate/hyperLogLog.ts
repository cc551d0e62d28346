import { createHash } from 'node:crypto'

/** 4,096 registers: a standard error of 1.04 / 64 = 1.6 %. */
const bits = 12
const registers = 1 << bits
/** Bits of a hash behind those that choose the register. */
const rest = 52
/** Registers that are listed one by one; of more than these all are kept. */
const sparse = 512

/**
 * Which values were seen, for an estimate of their number: registers that are set as `register * 64 + rank`, in order, or
 * the ranks of all of them.
 */
export type Sketch = readonly number[] | Uint8Array

/** @param identity text that no other value shares */
export function withIdentity(sketch: Sketch, identity: string): Sketch {
  const hash = createHash('sha1').update(identity).digest()
  const register = hash.readUInt16BE(0) >>> (16 - bits)
  const high = ((hash[1]! & 0x0f) << 16) | hash.readUInt16BE(2)
  const low = hash.readUInt32BE(4)
  const zeros = high !== 0 ? Math.clz32(high) - 12 : 20 + Math.clz32(low)
  return withRank(sketch, register, zeros + 1)
}

export function merged(one: Sketch, other: Sketch): Sketch {
  let sketch = one
  for (const [register, rank] of ranks(other)) sketch = withRank(sketch, register, rank)
  return sketch
}

/** Ertl's improved raw estimator (2017), which needs no correction of small or large numbers. */
export function estimate(sketch: Sketch): number {
  const counts = new Array<number>(rest + 2).fill(0)
  counts[0] = registers
  for (const [, rank] of ranks(sketch)) {
    counts[0]--
    counts[rank]!++
  }
  let z = registers * tau((registers - counts[rest + 1]!) / registers)
  for (let rank = rest; rank >= 1; rank--) z = (z + counts[rank]!) / 2
  z += registers * sigma(counts[0] / registers)
  return Math.round((registers * registers) / (2 * Math.LN2 * z))
}

function withRank(sketch: Sketch, register: number, rank: number): Sketch {
  if (sketch instanceof Uint8Array) {
    return sketch[register]! >= rank ? sketch : Uint8Array.from(sketch).fill(rank, register, register + 1)
  }
  const at = place(sketch, register)
  const known = at < sketch.length && sketch[at]! >> 6 === register
  if (known && (sketch[at]! & 63) >= rank) return sketch
  const next = sketch.toSpliced(at, known ? 1 : 0, register * 64 + rank)
  return next.length > sparse ? dense(next) : next
}

/** Where a register stands, or would stand. */
function place(sketch: readonly number[], register: number): number {
  let low = 0
  let high = sketch.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sketch[middle]! >> 6 < register) low = middle + 1
    else high = middle
  }
  return low
}

function dense(sketch: readonly number[]): Uint8Array {
  const all = new Uint8Array(registers)
  for (const [register, rank] of ranks(sketch)) all[register] = rank
  return all
}

function* ranks(sketch: Sketch): Iterable<readonly [register: number, rank: number]> {
  if (sketch instanceof Uint8Array) {
    for (let register = 0; register < registers; register++) if (sketch[register]) yield [register, sketch[register]!]
  } else {
    for (const entry of sketch) yield [entry >> 6, entry & 63]
  }
}

function sigma(start: number): number {
  if (start === 1) return Infinity
  let [x, y, z, before] = [start, 1, start, NaN]
  while (z !== before) {
    x *= x
    before = z
    z += x * y
    y += y
  }
  return z
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0
  let [x, y, z, before] = [start, 1, 1 - start, NaN]
  while (z !== before) {
    x = Math.sqrt(x)
    before = z
    y /= 2
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}
