import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/topology/read.ts'
import { catalogWith } from '../support/pipeline.ts'

const parse = (plot: string) => {
  const text = `name: p
sources: { a: { topic: {} } }
streams: { s: { from: a, to: { topic: b } } }
monitor:
  plots:
    - ${plot}
`
  return parseConfig(text, 'p.yaml', catalogWith({}), {}).config.monitor!.plots[0]!
}

describe('a plot in a config', () => {
  it('has defaults', () => {
    const plot = parse('{ title: t, lines: [{ topic: b, y: record.price }] }')
    expect(plot.last).toEqual({ points: 500 })
    expect(plot.lines).toMatchObject([{ topic: 'b', axis: 'left', as: 'line' }])
  })

  it.each([
    ['7d', { time: 604_800_000 }],
    ['25', { points: 25 }],
  ])('shows the last %s', (last, expected) => {
    expect(parse(`{ title: t, last: ${last}, lines: [{ topic: b, y: record }] }`).last).toEqual(expected)
  })

  it.each([
    [
      'an expression that does not compile',
      '{ title: t, lines: [{ topic: b, y: record.price + }] }',
      /^p\.yaml:6:42: `monitor\.plots\.0\.lines\.0\.y`: unexpected end/,
    ],
    [
      'an unknown variable',
      '{ title: t, by: market, lines: [{ topic: b, y: record }] }',
      /^p\.yaml:6:23: `monitor\.plots\.0\.by`: unknown variable "market" at character 1: there are record, key, headers,/,
    ],
    [
      'an unknown function',
      '{ title: t, x: later(record.at), lines: [{ topic: b, y: record }] }',
      /^p\.yaml:6:22: `monitor\.plots\.0\.x`: unknown function "later"/,
    ],
    [
      'a span of time without a unit',
      '{ title: t, last: 7 days, lines: [{ topic: b, y: record }] }',
      /^p\.yaml:6:25: `monitor\.plots\.0\.last`: expected a duration such as "7d", or a number of points from 1 to 5000/,
    ],
    [
      'too many points',
      '{ title: t, last: 5001, lines: [{ topic: b, y: record }] }',
      /^p\.yaml:6:25: .*a number of points from 1 to 5000/,
    ],
    [
      'a name that is not a topic',
      "{ title: t, lines: [{ topic: 'a b', y: record }] }",
      /^p\.yaml:6:36: .*expected a topic name/,
    ],
    [
      'an unknown key',
      '{ title: t, lines: [{ topic: b, y: record, axes: right }] }',
      /^p\.yaml:6:56: unknown key `axes` in `monitor\.plots\.0\.lines\.0`; did you mean `axis`\?/,
    ],
    ['no lines', '{ title: t, lines: [] }', /^p\.yaml:6:26: `monitor\.plots\.0\.lines`/],
  ])('is refused with %s, where it stands', (_, plot, message) => {
    expect(() => parse(plot)).toThrow(message)
  })
})
