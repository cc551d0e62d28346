import type { Captured } from './captured.ts'
import type { Driven } from './drive.ts'
import { matches, show, spelled, unlike } from './matching.ts'
import type { Expectation, Scenario } from './scenario.ts'
import { writeTime } from './timeline.ts'

/** The first thing at an outlet that is not as expected. */
export interface Difference {
  readonly expectation: Expectation
  readonly captured: readonly Captured[]
  /** Where the outlet ended, if the test says where it should. */
  readonly end: number | undefined
  /** The frame at which it shows. */
  readonly frame: number
  /** What is wrong, a line each. */
  readonly lines: readonly string[]
}

/** Compares what came out with what was expected, outlet by outlet. */
export function findDifferences({ expectations, letters }: Scenario, { captured, ends }: Driven): Difference[] {
  return expectations.flatMap((expectation) => {
    const { outlet, timeline } = expectation
    const found = captured.get(outlet.name) ?? []
    const end = timeline.end === undefined ? undefined : ends.get(outlet.name)
    const first = firstDifference(expectation, found, letters) ?? otherEnd(timeline.end, end)
    return first ? [{ expectation, captured: found, end, ...first }] : []
  })
}

type Place = Pick<Difference, 'frame' | 'lines'>

function firstDifference(
  { outlet, timeline: { marks } }: Expectation,
  found: readonly Captured[],
  letters: Scenario['letters'],
): Place | undefined {
  for (let at = 0; at < Math.max(marks.length, found.length); at++) {
    const mark = marks[at]
    const record = found[at]
    if (!mark) return { frame: record!.frame, lines: ['expected nothing more', foundLine(record!)] }
    const letter = letters.get(mark.letter)!
    const expected = `expected ${mark.letter} at ${writeTime(mark.frame)}: ${show(spelled(letter))}`
    if (!record) return { frame: mark.frame, lines: [expected, 'found nothing more'] }
    const differing = unlike(record, letter, outlet.kind)
    if (differing.length === 0 && record.frame === mark.frame) continue
    const frame = Math.min(mark.frame, record.frame)
    return { frame, lines: [expected, foundLine(record), ...differing] }
  }
  return undefined
}

function otherEnd(expected: number | undefined, found: number | undefined): Place | undefined {
  if (expected === found || expected === undefined) return undefined
  const frame = Math.min(expected, found ?? expected)
  const lines = [
    `expected the end at ${writeTime(expected)}, ${found === undefined ? 'it did not end' : `it ended at ${writeTime(found)}`}`,
  ]
  return { frame, lines }
}

const foundLine = (record: Captured): string => `found at ${writeTime(record.frame)}: ${describe(record)}`

/** A record in a line. */
export function describe({ value, key, failure }: Captured): string {
  const ofKey = key === null ? '' : ` with the key ${JSON.stringify(key.toString())}`
  const why = failure ? ` (${failure.code} at ${failure.operator}: ${failure.message})` : ''
  return `${show(value)}${ofKey}${why}`
}

/** The letter to draw a captured record with: one that stands for it, "?" where none does. */
export function letterOf(record: Captured, { outlet }: Expectation, letters: Scenario['letters']): string {
  for (const [name, { fault: _, operator: __, ...letter }] of letters) {
    if (Object.keys(letter).length > 0 && matches(record, letter, outlet.kind)) return name
  }
  return '?'
}
