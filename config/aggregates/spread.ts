interface Range {
  lowest: number
  highest: number
}

/** How far the lowest and the highest `x` lie apart. */
export default {
  initial: null,
  add(range: Range | null, { x }: { x: number }): Range {
    return { lowest: Math.min(x, range?.lowest ?? x), highest: Math.max(x, range?.highest ?? x) }
  },
  merge(one: Range, other: Range): Range {
    return { lowest: Math.min(one.lowest, other.lowest), highest: Math.max(one.highest, other.highest) }
  },
  result(range: Range): number {
    return range.highest - range.lowest
  },
}
