import { drawMarbles, type Line } from './diagram.ts'
import type { Driven } from './drive.ts'
import { unlikeKept } from './kept.ts'
import type { Scenario } from './scenario.ts'
import { describe, findDifferences, letterOf, type Difference } from './verdict.ts'

/** What is wrong with what a topology did in a test, in lines to print; empty when nothing is. */
export function reportFailure(scenario: Scenario, driven: Driven): string[] {
  const differences = findDifferences(scenario, driven)
  const blocks = [
    ...differences.map((difference) => reportDifference(difference, scenario)),
    ...scenario.kept.map((kept) => unlikeKept(kept, driven)),
    driven.missed,
    driven.broken,
  ].filter((lines) => lines.length > 0)
  if (blocks.length === 0) return []
  const asides = [reportLetters(scenario, driven), driven.logged.map((line) => `logged: ${line}`)]
  return [...blocks, ...asides.filter((lines) => lines.length > 0)].flatMap((lines, at) =>
    at > 0 ? ['', ...lines] : lines,
  )
}

function reportDifference({ expectation, captured, end, frame, lines }: Difference, scenario: Scenario): string[] {
  const { outlet, timeline } = expectation
  const given = scenario.inputs.map((input): Line => ({ label: `given     ${input.source}`, ...input.timeline }))
  const actual = captured.map((record) => ({
    frame: record.frame,
    letter: letterOf(record, expectation, scenario.letters),
  }))
  const drawn = drawMarbles(
    [
      ...given,
      { label: `expected  ${outlet.name}`, ...timeline },
      { label: `actual    ${outlet.name}`, marks: actual, end },
    ],
    frame,
  )
  return [...drawn, ...lines]
}

const maxLetters = 5

/** Dead letters that the test says nothing about: often they say why something is missing. */
function reportLetters({ outlets, expectations }: Scenario, { captured }: Driven): string[] {
  const unnamed = outlets.filter(
    ({ name, kind }) => kind === 'deadLetters' && !expectations.some(({ outlet }) => outlet.name === name),
  )
  return unnamed.flatMap(({ name }) => {
    const letters = captured.get(name) ?? []
    const rest = letters.length - maxLetters
    return [
      ...letters.slice(0, maxLetters).map((letter) => `also on ${name}: ${describe(letter)}`),
      ...(rest > 0 ? [`also on ${name}: ${rest} more`] : []),
    ]
  })
}
