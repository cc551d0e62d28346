/** How far a quantile may be from the true value, relative to it. */
const error = 0.01
const gamma = (1 + error) / (1 - error)
/** Numbers nearer to zero than this count as zero. */
const smallest = 1e-300
/** Most buckets of a sign: 1,024 cover a range of one to 780 million. */
const most = 1_024

/** How many numbers are in each bucket, by its index, in no order. */
type Buckets = ReadonlyMap<number, number>

/** How numbers are distributed (DDSketch, 2019): counted in buckets whose width grows with the number. */
export interface QuantileSketch {
  readonly count: number
  readonly zeros: number
  readonly lowest: number
  readonly highest: number
  readonly positive: Buckets
  readonly negative: Buckets
}

export const emptySketch: QuantileSketch = {
  count: 0,
  zeros: 0,
  lowest: Infinity,
  highest: -Infinity,
  positive: new Map(),
  negative: new Map(),
}

export function withNumber(sketch: QuantileSketch, number: number): QuantileSketch {
  const { count, zeros, lowest, highest, positive, negative } = sketch
  const size = Math.abs(number)
  const bucket: Buckets = new Map([[Math.ceil(Math.log(size) / Math.log(gamma)), 1]])
  const isZero = size < smallest
  return {
    count: count + 1,
    zeros: isZero ? zeros + 1 : zeros,
    lowest: Math.min(lowest, number),
    highest: Math.max(highest, number),
    positive: !isZero && number > 0 ? added(positive, bucket) : positive,
    negative: !isZero && number < 0 ? added(negative, bucket) : negative,
  }
}

export const joined = (one: QuantileSketch, other: QuantileSketch): QuantileSketch => ({
  count: one.count + other.count,
  zeros: one.zeros + other.zeros,
  lowest: Math.min(one.lowest, other.lowest),
  highest: Math.max(one.highest, other.highest),
  positive: added(one.positive, other.positive),
  negative: added(one.negative, other.negative),
})

/** The number below which a share of all numbers lies, within 1 % of it; undefined where there are none. */
export function quantile(sketch: QuantileSketch, share: number): number | undefined {
  const { count, zeros, lowest, highest, positive, negative } = sketch
  if (count === 0) return undefined
  let left = Math.floor(share * (count - 1))
  const within = (number: number) => Math.min(Math.max(number, lowest), highest)
  if (left === 0) return lowest
  if (left === count - 1) return highest
  for (const [index, numbers] of ascending(negative).reverse()) {
    if ((left -= numbers) < 0) return within(-middle(index))
  }
  if ((left -= zeros) < 0) return within(0)
  for (const [index, numbers] of ascending(positive)) {
    if ((left -= numbers) < 0) return within(middle(index))
  }
  return highest
}

const middle = (index: number): number => (2 * gamma ** index) / (gamma + 1)

const ascending = (buckets: Buckets): (readonly [index: number, numbers: number])[] =>
  [...buckets].sort(([a], [b]) => a - b)

/** Where there are too many buckets, those of the numbers nearest to zero become one. */
function added(one: Buckets, other: Buckets): Buckets {
  const sum = new Map(one)
  for (const [index, numbers] of other) sum.set(index, (sum.get(index) ?? 0) + numbers)
  if (sum.size <= most) return sum
  const sorted = ascending(sum)
  const lowest = sorted.splice(0, sum.size - most + 1)
  return new Map([[lowest.at(-1)![0], lowest.reduce((all, [, numbers]) => all + numbers, 0)], ...sorted])
}
