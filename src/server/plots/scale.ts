/** A span of values, or of times, that an axis shows. */
export interface Span {
  readonly low: number
  readonly high: number
}

/** The span of values; undefined where there are none. */
export function spanOf(values: Iterable<number>): Span | undefined {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return low <= high ? { low, high } : undefined
}

/** Room above and below, so that no point lies on the frame; more where all values are the same, or as good as that. */
export function padded({ low, high }: Span, share = 0.05): Span {
  const half = high / 2 - low / 2
  const size = Math.max(Math.abs(low), Math.abs(high))
  const same = half <= size * 1e-12 || half < 1e-300
  const room = same ? (size < 1e-290 ? 1 : size * 0.1) : half * (2 * share)
  return { low: bounded(low - room), high: bounded(high + room) }
}

const bounded = (value: number): number => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value))

/** Where a value lies between the ends of a span: from 0 to 1. In halves, for the whole span may be beyond a number. */
export const placeIn = ({ low, high }: Span, value: number): number => (value / 2 - low / 2) / (high / 2 - low / 2)

export interface Tick {
  readonly value: number
  readonly label: string
}

/** About how many ticks there are in an axis, at most: one of numbers is upright. */
const mostTicks = { numbers: 8, times: 6 }

/** Ticks at round numbers. */
export function numberTicks(span: Span): readonly Tick[] {
  const step = roundStep((span.high / 2 - span.low / 2) / ((mostTicks.numbers - 1) / 2))
  const values = multiples(span, step)
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const digits = Math.max(1, Math.min(12, Math.floor(Math.log10(largest / step)) + 2))
  return unique(values.map((value) => ({ value, label: numberLabel(value, digits) })))
}

/** The next 1, 2 or 5 times a power of ten. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
}

const compact = (digits: number) =>
  new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: digits })

/** A number as it is written at an axis, to so many significant digits. */
export function numberLabel(value: number, digits = 4): string {
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e15 || size < 1e-4)) return value.toExponential(digits - 1).replace(/\.?0*e/, 'e')
  return size >= 10_000 ? compact(digits).format(value) : String(Number(value.toPrecision(digits)))
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day
const timeSteps = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 30, 60, 91, 182].map((count) => count * day),
]

/** Ticks at round times, in UTC. */
export function timeTicks(span: Span): readonly Tick[] {
  const rough = (span.high - span.low) / (mostTicks.times - 1)
  const step = timeSteps.find((each) => each >= rough) ?? roundStep(rough / year) * year
  return multiples(span, step).map((value) => ({ value, label: timeLabel(value, step) }))
}

function timeLabel(time: number, step: number): string {
  const date = new Date(time)
  if (step >= year) return String(date.getUTCFullYear())
  if (step >= day || time % day === 0) return `${date.getUTCDate()} ${months[date.getUTCMonth()]}`
  if (step >= minute) return clock(date).slice(0, 5)
  return step >= second ? clock(date) : `${clock(date)}.${String(date.getUTCMilliseconds()).padStart(3, '0')}`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const clock = (date: Date): string => date.toISOString().split('T')[1]!.slice(0, 8)

/** A time in full to the minute, without its zone, which is UTC. */
export function fullTime(time: number): string {
  const date = new Date(time)
  return `${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}, ${clock(date).slice(0, 5)}`
}

/** The multiples of a step in a span; few, for the step was made of the span. */
function multiples({ low, high }: Span, step: number): number[] {
  if (!(step > 0) || !Number.isFinite(step)) return []
  const first = Math.ceil(low / step)
  const count = Math.min(2 * mostTicks.numbers, Math.floor(high / step) - first + 1)
  if (!(count > 0)) return []
  // Without what is left of the division: 3 * 0.1 is not 0.3.
  const all = Array.from({ length: count }, (_, at) => Number(((first + at) * step).toPrecision(15)))
  return all.filter((value) => value >= low && value <= high)
}

const unique = (ticks: readonly Tick[]): readonly Tick[] =>
  ticks.filter(({ label }, at) => ticks.findIndex((other) => other.label === label) === at)
