import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import type { Panel } from '../../src/server/plots/plot.ts'
import type { Point } from '../../src/server/plots/points.ts'
import { numberTicks, timeTicks } from '../../src/server/plots/scale.ts'
import { drawPanel, timesOf } from '../../src/server/plots/svg.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { configWith, trimmed } from './served.ts'

const start = Date.parse('2026-01-08T00:00:00Z')
const hour = 3_600_000

/** Inside what frame points lie, in the picture's own units. */
const frame = { left: 46, right: 354, top: 24, bottom: 200 }

const { lines } = parseConfig(
  configWith(`
plots:
  - title: t
    lines:
      - { topic: a, y: record.signal, name: signal }
      - { topic: a, y: record.price, name: price, unit: USD, axis: right }
      - { topic: a, y: record.lag, name: lag, as: marks }
`),
  'p.yaml',
  catalog,
  {},
).config.monitor!.plots[0]!

const panel = (...points: readonly (readonly Point[])[]): Panel => ({
  by: 'rain',
  lines: lines.map((line, at) => ({ line, points: points[at] ?? [] })),
})

const every = (...values: readonly (number | null)[]): Point[] => values.map((y, at) => ({ x: start + at * hour, y }))

const draw = (drawn: Panel): string => trimmed(drawPanel(drawn, timesOf([drawn])!).text)

const line = (svg: string, at: number): string => new RegExp(`<g class="line s${at}"><path d="([^"]*)"`).exec(svg)![1]!

/** The places of a path, as pairs. */
const places = (path: string): number[][] =>
  [...path.matchAll(/[ML](\S+?) ([\d.-]+)/g)].map(([, x, y]) => [Number(x), Number(y)])

describe('a line', () => {
  it('goes from one side of the frame to the other, with room above and below', () => {
    const svg = draw(panel(every(0, 10, 5)))
    // A twentieth of ten below 0 and above 10: eleven in 176 units, 16 a piece.
    expect(places(line(svg, 0))).toEqual([
      [46, 192],
      [200, 32],
      [354, 112],
    ])
    expect([...svg.matchAll(/<circle cx="(\S+)" cy="(\S+)"/g)].map(([, x, y]) => [Number(x), Number(y)])).toEqual(
      places(line(svg, 0)),
    )
  })

  it('has the scale of its own axis', () => {
    const svg = draw(panel(every(0, 10), every(0.4, 0.5)))
    expect(places(line(svg, 1))).toEqual(places(line(svg, 0)))
    expect(labels(svg, 'left')).toEqual(['0', '2', '4', '6', '8', '10'])
    expect(labels(svg, 'right')).toEqual(['0.4', '0.42', '0.44', '0.46', '0.48', '0.5'])
    expect(svg).toContain('>signal</text>')
    expect(svg).toContain('>price (USD)</text>')
  })

  it('has a gap where there is no value, and a dot where a point has no neighbours', () => {
    const path = line(draw(panel(every(1, 2, null, 3, null, 4, 5))), 0)
    expect(path.match(/[ML]/g)!.join('')).toBe('MLMML')
    expect(path.match(/M\S+ [\d.]+h0/g)).toHaveLength(3)
  })

  it('lies where its time is, whatever others there are', () => {
    const svg = draw(panel(every(1, 1, 1, 1, 1), [{ x: start + 2 * hour, y: 7 }]))
    expect(places(line(svg, 1))).toEqual([[200, 112]])
  })

  it('has no dots where there would be too many', () => {
    expect(draw(panel(every(...Array(60).keys())))).toContain('<circle')
    expect(draw(panel(every(...Array(61).keys())))).not.toContain('<circle')
  })
})

describe('marks', () => {
  it('stand where it is true or above 0', () => {
    const svg = draw(panel(every(0, 0, 0, 0, 0), [], every(1, 0, null, 0.5, -1)))
    const marks = /<g class="marks s2">(.*?)<\/g>/s.exec(svg)![1]!
    expect([...marks.matchAll(/class="stem" d="M(\S+) 24V200"/g)].map(([, x]) => Number(x))).toEqual([46, 277])
  })

  it('take no axis', () => {
    const svg = draw(panel([], [], every(1, 1)))
    expect(svg).not.toMatch(/class="axis (left|right)"/)
    expect(svg).toContain('class="axis time"')
  })
})

describe('the axis of time', () => {
  it('says from when to when', () => {
    expect(draw(panel(every(1, 2, 3)))).toContain('>8 Jan 2026, 00:00 to 8 Jan 2026, 02:00 UTC</text>')
  })

  it('is an hour around a single time', () => {
    const svg = draw(panel(every(1)))
    expect(places(line(svg, 0))).toEqual([[200, 112]])
    expect(svg).toContain('>7 Jan 2026, 23:30 to 8 Jan 2026, 00:30 UTC</text>')
  })

  const ticks = (milliseconds: number, from = start) =>
    timeTicks({ low: from, high: from + milliseconds }).map(({ label }) => label)

  it.each([
    [2_000, ['8 Jan', '00:00:00.500', '00:00:01.000', '00:00:01.500', '00:00:02.000']],
    [60_000, ['8 Jan', '00:00:15', '00:00:30', '00:00:45', '00:01:00']],
    [2 * hour, ['8 Jan', '00:30', '01:00', '01:30', '02:00']],
    [36 * hour, ['8 Jan', '12:00', '9 Jan', '12:00']],
    [7 * 24 * hour, ['9 Jan', '11 Jan', '13 Jan', '15 Jan']],
    [3_650 * 24 * hour, ['2027', '2029', '2031', '2033', '2035']],
  ])('has round times over %i ms', (span, expected) => {
    expect(ticks(span)).toEqual(expected)
  })
})

describe('ticks of numbers', () => {
  const ticks = (low: number, high: number) => numberTicks({ low, high }).map(({ label }) => label)

  it.each([
    [0, 1, ['0', '0.2', '0.4', '0.6', '0.8', '1']],
    [-3, 8, ['-2', '0', '2', '4', '6', '8']],
    [0, 45_000, ['0', '10K', '20K', '30K', '40K']],
    [1_000_000, 1_000_004, ['1M', '1.000001M', '1.000002M', '1.000003M', '1.000004M']],
    [0, 3e-7, ['0', '5e-8', '1e-7', '1.5e-7', '2e-7', '2.5e-7', '3e-7']],
    [0, 2e300, ['0', '5e+299', '1e+300', '1.5e+300', '2e+300']],
  ])('from %f to %f', (low, high, expected) => {
    expect(ticks(low, high)).toEqual(expected)
  })

  it('are few, in order, inside the span, each with a label of its own, over any span', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (a, b) => {
          fc.pre(a !== b)
          const span = { low: Math.min(a, b), high: Math.max(a, b) }
          const found = numberTicks(span)
          expect(found.length).toBeLessThanOrEqual(12)
          expect(new Set(found.map(({ label }) => label)).size).toBe(found.length)
          expect(found.map(({ value }) => value)).toEqual(found.map(({ value }) => value).toSorted((x, y) => x - y))
          for (const { value } of found) expect(value >= span.low && value <= span.high).toBe(true)
        },
      ),
    )
  })
})

it('lies inside its frame, whatever the values and times are', () => {
  const point = fc.record({
    x: fc.integer({ min: -8.64e15, max: 8.64e15 }),
    y: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null), fc.constant(Number.MAX_VALUE)),
  })
  const points = fc.array(point, { maxLength: 12 })
  fc.assert(
    fc.property(points, points, points, (...given) => {
      fc.pre(given.some((each) => each.length > 0))
      const drawn = panel(...given)
      const svg = draw({
        ...drawn,
        lines: drawn.lines.map((each) => ({ ...each, points: each.points.toSorted((a, b) => a.x - b.x) })),
      })
      expect(svg).not.toMatch(/NaN|Infinity|undefined/)
      for (const [, path] of svg.matchAll(/<g class="line s\d"><path d="([^"]*)"/g)) {
        for (const [x, y] of places(path!)) {
          expect(x).toBeGreaterThanOrEqual(frame.left)
          expect(x).toBeLessThanOrEqual(frame.right)
          expect(y).toBeGreaterThanOrEqual(frame.top)
          expect(y).toBeLessThanOrEqual(frame.bottom)
        }
      }
    }),
    { numRuns: 300 },
  )
})

/** What stands at an axis, its title left out. */
function labels(svg: string, side: string): string[] {
  const axis = new RegExp(`<g class="axis ${side}">(.*?)</g>`, 's').exec(svg)![1]!
  return [...axis.matchAll(/<text x=[^>]*>([^<]*)</g)].map(([, label]) => label!)
}
