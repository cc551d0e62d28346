/**
 * Prints results of the fault matrix as a Markdown table, a row for each cell, its rounds added up.
 *
 *   npm run test:faults:table results.jsonl
 */
import { readFileSync } from 'node:fs'
import type { Verdict } from './cell.ts'

/** Older results do not say of counts. */
type Result = Omit<Verdict, 'miscounted'> & Partial<Pick<Verdict, 'miscounted'>>

const verdicts = process.argv.slice(2).flatMap((file) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result),
)

const sum = (
  own: readonly Result[],
  name: 'events' | 'strikes' | 'atWork' | 'lost' | 'doubled' | 'disordered' | 'miscounted',
) => own.reduce((total, verdict) => total + (verdict[name] ?? 0), 0).toLocaleString('en')

/** 1, 2, 3, 7 as 1–3, 7. */
function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = []
  for (const each of numbers.toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last && each <= last[1] + 1) last[1] = each
    else runs.push([each, each])
  }
  return runs.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(', ')
}

const head = ['fault', 'pipeline', 'guarantee', 'rounds', 'seeds', 'events', 'strikes', 'at work', 'lost', 'doubled']
const columns = [...head, 'out of order', 'miscounted', 'ledger']
console.log(`| ${columns.join(' | ')} |`)
console.log(`|${'---|'.repeat(columns.length)}`)
for (const own of Map.groupBy(verdicts, (each) => `${each.pipeline} ${each.fault} ${each.guarantee}`).values()) {
  const { fault, pipeline, guarantee } = own[0]!
  const numbers = [sum(own, 'events'), sum(own, 'strikes'), sum(own, 'atWork'), sum(own, 'lost'), sum(own, 'doubled')]
  const ledger = own.every((each) => each.ledger) ? 'agrees' : 'differs'
  const cells = [fault, pipeline, guarantee, own.length, ranges(own.map(({ seed }) => seed)), ...numbers]
  console.log(`| ${[...cells, sum(own, 'disordered'), sum(own, 'miscounted'), ledger].join(' | ')} |`)
}
