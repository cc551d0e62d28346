import { nearest } from '../topology/issue.ts'
import { externalSources, type Plan } from '../topology/plan.ts'
import { readLetter, type Letter } from './letter.ts'
import { outletsOf, type Outlet } from './outlet.ts'
import { readTimeline, type Timeline } from './timeline.ts'

/** A test of a whole topology, in the words of `tests:` in a config. */
export interface TopologyTest {
  /** What time it is when it starts, ISO 8601; 2026-01-01T00:00:00Z when absent. */
  readonly at?: string | undefined
  /** Marbles per source. */
  readonly given: { readonly [source: string]: string }
  /** What the letters stand for: the value as plain data, or spelled out as `{ $key, $value, ... }`. */
  readonly values?: { readonly [letter: string]: unknown } | undefined
  /** Marbles per topic, dead-letter topic, id of an external sink ("articles.to.file"), or `alerts`. */
  readonly expect?: { readonly [outlet: string]: string } | undefined
}

/** A test that was read and makes sense for its plan. */
export interface Scenario {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly inputs: readonly Input[]
  readonly expectations: readonly Expectation[]
  readonly letters: ReadonlyMap<string, Letter>
  readonly outlets: readonly Outlet[]
}

export interface Input {
  readonly source: string
  readonly timeline: Timeline
}

export interface Expectation {
  readonly outlet: Outlet
  readonly timeline: Timeline
}

/** Something in a test that cannot be meant. */
export interface Mistake {
  readonly path: readonly string[]
  readonly message: string
}

/** Mistakes of a test, all of them at once. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError'
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
    this.mistakes = mistakes
  }
}

const alerts: Outlet = { name: 'alerts', kind: 'alerts', format: 'json', sources: new Set() }

/** @param watched whether the plan's dead letters are watched for alerts @throws ScenarioError */
export function readScenario(test: TopologyTest, plan: Plan, watched: boolean): Scenario {
  const mistakes: Mistake[] = []
  const attempt = <T>(path: readonly string[], work: () => T): T | undefined => {
    try {
      return work()
    } catch (thrown) {
      mistakes.push({ path, message: (thrown as Error).message })
      return undefined
    }
  }
  const letters = new Map<string, Letter>()
  for (const [name, value] of Object.entries(test.values ?? {})) {
    const letter = attempt(['values', name], () => readLetter(value))
    if (letter) letters.set(name, letter)
  }
  const timelineAt = (path: readonly string[], marbles: string) => {
    const timeline = attempt(path, () => readTimeline(marbles))
    if (timeline) mistakes.push(...unexplained(timeline, test.values ?? {}).map((message) => ({ path, message })))
    return timeline
  }

  const sources = externalSources(plan).map(({ name }) => name)
  const inputs = Object.entries(test.given).flatMap(([source, marbles]): Input[] => {
    const path = ['given', source]
    if (!sources.includes(source)) mistakes.push({ path, message: unknown(source, 'source', sources) })
    const timeline = timelineAt(path, marbles)
    return timeline ? [{ source, timeline }] : []
  })

  const outlets = [...outletsOf(plan), ...(watched ? [alerts] : [])]
  const expectations = Object.entries(test.expect ?? {}).flatMap(([name, marbles]): Expectation[] => {
    const path = ['expect', name]
    const outlet = outlets.find((other) => other.name === name)
    if (!outlet) mistakes.push({ path, message: unknownOutlet(name, outlets) })
    const timeline = timelineAt(path, marbles)
    if (outlet?.kind === 'alerts' && timeline?.end !== undefined) {
      mistakes.push({ path, message: 'alerts have no end; leave out `|`' })
    }
    return outlet && timeline ? [{ outlet, timeline }] : []
  })
  if (mistakes.length > 0) throw new ScenarioError(mistakes)
  const at = new Date(test.at ?? '2026-01-01T00:00:00Z').getTime()
  return { at, inputs, expectations, letters, outlets }
}

function unexplained({ marks }: Timeline, values: object): string[] {
  const missing = [...new Set(marks.map(({ letter }) => letter))].filter((letter) => !Object.hasOwn(values, letter))
  if (missing.length === 0) return []
  const time = missing.some((letter) => /\d/.test(letter)) ? '; time that passes needs spaces around it: ` 10s `' : ''
  return [`${missing.map((letter) => `\`${letter}\``).join(', ')} without a value under \`values\`${time}`]
}

function unknown(name: string, what: string, known: readonly string[]): string {
  const near = nearest(name, known)
  const right = near.length > 0 ? `did you mean ${quoted(near, ' or ')}?` : `known are ${quoted(known, ', ')}`
  return `\`${name}\` is not a ${what} of this pipeline; ${right}`
}

function unknownOutlet(name: string, outlets: readonly Outlet[]): string {
  if (name === 'alerts') return 'this pipeline has no alerts; add them under `monitor.alerts`'
  return unknown(
    name,
    'topic, dead-letter topic or sink',
    outlets.map((outlet) => outlet.name),
  )
}

const quoted = (names: readonly string[], between: string): string => names.map((name) => `\`${name}\``).join(between)
