/** Changes in place what it is given, which are copies. */
export default {
  initial: { lowest: null as number | null, highest: null as number | null },
  add(range: { lowest: number | null; highest: number | null }, x: number) {
    if (typeof x !== 'number') throw new TypeError('x is no number')
    if (x === 0) range.highest = NaN
    range.lowest = Math.min(x, range.lowest ?? x)
    range.highest = Math.max(x, range.highest ?? x)
    return range
  },
  result({ lowest, highest }: { lowest: number; highest: number }) {
    if (highest > 100) throw new RangeError('too far')
    return highest - lowest
  },
}
