/** Keys that lie in the bytes they came with. */
export interface KeyPlaces {
  /** What each key lies in. */
  readonly bytes: readonly Uint8Array[]
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** Fewer are sorted by comparing them with each other. */
const few = 16

/** The numbers of the first so many keys, in the order of the keys' bytes; equal ones in the order of their numbers. */
export function keyOrder(keys: KeyPlaces, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, number) => number)
  new Sorting(keys, order).sort(0, count, 0)
  return order
}

/** A radix sort, some bytes at a time: to compare strings or buffers with each other takes several times as long. */
class Sorting {
  readonly #keys: KeyPlaces
  readonly #order: Int32Array
  readonly #before: Int32Array
  readonly #weights: Float64Array
  /** So many bytes of a key are looked at together, each as one of 257 digits, of which 0 stands for the end of the key. */
  readonly #bytesAtOnce: number
  /** The digits and a number below this one make up a weight, which a double has exactly. */
  readonly #numbers: number

  constructor(keys: KeyPlaces, order: Int32Array) {
    this.#keys = keys
    this.#order = order
    ;[this.#bytesAtOnce, this.#numbers] = order.length <= 2 ** 20 ? [4, 2 ** 20] : [3, 2 ** 28]
    this.#before = new Int32Array(order.length)
    this.#weights = new Float64Array(order.length)
  }

  /** Sorts a part of the order whose keys have their first bytes in common. */
  sort(from: number, to: number, common: number): void {
    if (to - from <= few) return this.#insert(from, to, common)
    const depth = this.#commonOf(from, to, common)
    const weights = this.#weights
    const numbers = this.#numbers
    for (let at = from; at < to; at++) weights[at] = this.#digits(this.#order[at]!, depth) * numbers + (at - from)
    weights.subarray(from, to).sort()
    this.#before.set(this.#order.subarray(from, to), from)
    for (let at = from; at < to; at++) this.#order[at] = this.#before[from + (weights[at]! % numbers)]!
    for (let [start, at] = [from, from + 1]; start < to; at++) {
      const digits = Math.floor(weights[start]! / numbers)
      if (at < to && Math.floor(weights[at]! / numbers) === digits) continue
      // Where the last digit is the end of a key, they are equal.
      if (at - start > 1 && digits % 257 !== 0) this.sort(start, at, depth + this.#bytesAtOnce)
      start = at
    }
  }

  #digits(number: number, depth: number): number {
    const { bytes, starts, ends } = this.#keys
    const own = bytes[number]!
    const end = ends[number]!
    let digits = 0
    for (let at = starts[number]! + depth, left = this.#bytesAtOnce; left > 0; at++, left--)
      digits = digits * 257 + (at < end ? own[at]! + 1 : 0)
    return digits
  }

  /** How many bytes all of them have in common. */
  #commonOf(from: number, to: number, least: number): number {
    const { bytes, starts, ends } = this.#keys
    const first = this.#order[from]!
    const [firstBytes, firstStart] = [bytes[first]!, starts[first]!]
    let common = ends[first]! - firstStart
    for (let at = from + 1; at < to && common > least; at++) {
      const number = this.#order[at]!
      const [own, start] = [bytes[number]!, starts[number]!]
      common = Math.min(common, ends[number]! - start)
      for (let i = least; i < common; i++) if (own[start + i] !== firstBytes[firstStart + i]) common = i
    }
    return common
  }

  #insert(from: number, to: number, common: number): void {
    const order = this.#order
    for (let next = from + 1; next < to; next++) {
      const number = order[next]!
      let at = next
      for (; at > from && this.#compare(order[at - 1]!, number, common) > 0; at--) order[at] = order[at - 1]!
      order[at] = number
    }
  }

  #compare(one: number, other: number, common: number): number {
    const { bytes, starts, ends } = this.#keys
    const [a, b] = [bytes[one]!, bytes[other]!]
    const [startA, startB] = [starts[one]!, starts[other]!]
    const [sizeA, sizeB] = [ends[one]! - startA, ends[other]! - startB]
    const size = Math.min(sizeA, sizeB)
    for (let i = common; i < size; i++) {
      const difference = a[startA + i]! - b[startB + i]!
      if (difference !== 0) return difference
    }
    return sizeA - sizeB
  }
}
