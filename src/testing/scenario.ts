import { externalSources, type Plan } from '../topology/plan.ts'
import { changeBefore, stateBefore, type KeptBefore, type StateBefore } from './before.ts'
import { readFaults, type Faults, type InjectedFault } from './faults.ts'
import { readRow, readState, type KeptExpectation } from './kept.ts'
import { readLetter, type Letter } from './letter.ts'
import { nearestOf } from './nearestOf.ts'
import { outletsOf, type Outlet } from './outlet.ts'
import { operatorsOf, tablesOf, type Stores } from './stores.ts'
import { readTimeline, type Timeline } from './timeline.ts'

/** A test of a whole topology, in the words of `tests:` in a config. */
export interface TopologyTest {
  /** What time it is when it starts, ISO 8601; 2026-01-01T00:00:00Z when absent. */
  readonly at?: string | undefined
  /** Marbles per source. */
  readonly given: { readonly [source: string]: string }
  /** What is kept when it begins: rows of tables, and the state of operators by their own keys. */
  readonly before?: KeptBefore | undefined
  /** What the letters stand for: the value as plain data, or spelled out as `{ $key, $value, ... }`. */
  readonly values?: { readonly [letter: string]: unknown } | undefined
  /** Marbles per topic, dead-letter topic, id of an external sink ("articles.to.file"), or `alerts`. */
  readonly expect?: { readonly [outlet: string]: string } | undefined
  /** What goes wrong. */
  readonly faults?: readonly InjectedFault[] | undefined
  /** What tables hold at the end, by their names and keys; null for a key that is not to be there. */
  readonly tables?: { readonly [table: string]: { readonly [key: string]: unknown } } | undefined
  /** The same of the state of operators, by their ids and their own keys. */
  readonly state?: { readonly [operator: string]: { readonly [key: string]: unknown } } | undefined
}

/** A test that was read and makes sense for its plan. */
export interface Scenario {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly before: StateBefore
  readonly inputs: readonly Input[]
  readonly expectations: readonly Expectation[]
  readonly letters: ReadonlyMap<string, Letter>
  readonly outlets: readonly Outlet[]
  readonly faults: Faults
  readonly kept: readonly KeptExpectation[]
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
  readonly path: readonly (string | number)[]
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
    if (!sources.includes(source)) mistakes.push({ path, message: unknown(source, 'a source', sources) })
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
  const faults = readFaults(test.faults ?? [], plan, ({ at, key, message }) =>
    mistakes.push({ path: ['faults', at, ...(key === undefined ? [] : [key])], message }),
  )
  const at = new Date(test.at ?? '2026-01-01T00:00:00Z').getTime()
  const known = { tables: tablesOf(plan), state: operatorsOf(plan) }
  const eachKept = <T>(
    path: readonly string[],
    stores: KeptBefore,
    read: (kind: keyof Stores, name: string, key: string, value: unknown) => T,
  ) =>
    (['tables', 'state'] as const).flatMap((kind) =>
      Object.entries(stores[kind] ?? {}).flatMap(([name, entries]) => {
        const place = [...path, kind, name]
        const what = kind === 'tables' ? 'a table' : 'an operator'
        if (!known[kind].includes(name)) mistakes.push({ path: place, message: unknown(name, what, known[kind]) })
        return Object.entries(entries).map(([key, value]) =>
          attempt([...place, key], () => read(kind, name, key, value)),
        )
      }),
    )
  const before = eachKept(['before'], test.before ?? {}, (kind, name, key, value) =>
    changeBefore(kind, name, key, value, at),
  )
  const kept = eachKept([], test, (kind, name, key, value): KeptExpectation => {
    const read = kind === 'tables' ? readRow : readState
    return { kind, name, key, letter: read(value) }
  })
  if (mistakes.length > 0) throw new ScenarioError(mistakes)
  const isThere = <T>(each: T | undefined): each is T => each !== undefined
  return {
    ...{ at, inputs, expectations, letters, outlets, faults },
    before: stateBefore(before.filter(isThere), plan),
    kept: kept.filter(isThere),
  }
}

function unexplained({ marks }: Timeline, values: object): string[] {
  const missing = [...new Set(marks.map(({ letter }) => letter))].filter((letter) => !Object.hasOwn(values, letter))
  if (missing.length === 0) return []
  const time = missing.some((letter) => /\d/.test(letter)) ? '; time that passes needs spaces around it: ` 10s `' : ''
  return [`${missing.map((letter) => `\`${letter}\``).join(', ')} without a value under \`values\`${time}`]
}

const unknown = (name: string, what: string, known: readonly string[]): string =>
  `\`${name}\` is not ${what} of this pipeline; ${nearestOf(name, known)}`

function unknownOutlet(name: string, outlets: readonly Outlet[]): string {
  if (name === 'alerts') return 'this pipeline has no alerts; add them under `monitor.alerts`'
  return unknown(
    name,
    'a topic, dead-letter topic or sink',
    outlets.map((outlet) => outlet.name),
  )
}
