import { nearestOf } from './nearestOf.ts'
import { externalSources, type Plan } from '../topology/plan.ts'

/** How far a unit gets before the process dies. */
const crashes = ['beforeProduce', 'afterProduce', 'afterState', 'afterCommit'] as const
export type Crash = (typeof crashes)[number]

/** Something that goes wrong in a test: exactly one of `operator`, `sink`, `deadLetters` and `crash`. */
export interface InjectedFault {
  /** The operator at which records fail, by its id: "averages.aggregate". */
  readonly operator?: string | undefined
  /** The external sink that refuses records, by its id: "articles.to.file". */
  readonly sink?: string | undefined
  /** Which of the records that come there: the first is 1. */
  readonly record?: number | readonly number[] | undefined
  /** Whether the fault is one that is tried again; otherwise the record is dead-lettered at once. */
  readonly retry?: boolean | undefined
  /** How many tries of a record fail, 1 when absent; how often a dead-letter topic refuses, 1 when absent. */
  readonly times?: number | undefined
  /** The dead-letter topic that cannot be written. */
  readonly deadLetters?: string | undefined
  /** How far a unit gets before the process dies and starts again. */
  readonly crash?: Crash | undefined
  /** Which of the pipeline's units, 1 when absent. */
  readonly unit?: number | undefined
  /** Only units that write to this topic count. */
  readonly topic?: string | undefined
}

/** Records that fail at an operator or a sink. */
export interface RecordFault {
  readonly place: string
  readonly records: readonly number[]
  /** How many tries of each fail; undefined where it is not tried again. */
  readonly tries: number | undefined
}

/** A topic that cannot be written, so many times. */
export interface Refusal {
  readonly topic: string
  readonly times: number
}

/** A unit in the middle of which the process dies. */
export interface UnitCrash {
  readonly moment: Crash
  readonly unit: number
  readonly topic: string | undefined
}

/** All that goes wrong in a test. */
export interface Faults {
  readonly records: readonly RecordFault[]
  readonly refusals: readonly Refusal[]
  readonly crashes: readonly UnitCrash[]
}

/** A mistake in a fault, at one of its keys; at the fault as a whole when that is absent. */
export interface FaultMistake {
  readonly at: number
  readonly key?: keyof InjectedFault
  readonly message: string
}

/** The keys that say what goes wrong, each with those that may stand beside it. */
const kinds: { readonly [kind: string]: readonly (keyof InjectedFault)[] } = {
  operator: ['record', 'retry', 'times'],
  sink: ['record', 'retry', 'times'],
  deadLetters: ['times'],
  crash: ['unit', 'topic'],
}

/** Reads the faults of a test; what cannot be meant is handed to `wrong`. */
export function readFaults(
  given: readonly InjectedFault[],
  plan: Plan,
  wrong: (mistake: FaultMistake) => void,
): Faults {
  const faults = { records: [] as RecordFault[], refusals: [] as Refusal[], crashes: [] as UnitCrash[] }
  given.forEach((fault, at) => {
    const mistakes = [...misfits(fault), ...unknowns(fault, plan)]
    for (const mistake of mistakes) wrong({ at, ...mistake })
    if (mistakes.length > 0) return
    const { record = [], retry = false, times = 1, deadLetters, crash, unit = 1, topic } = fault
    const place = fault.operator ?? fault.sink
    if (place !== undefined) faults.records.push({ place, records: [record].flat(), tries: retry ? times : undefined })
    if (deadLetters !== undefined) faults.refusals.push({ topic: deadLetters, times })
    if (crash !== undefined) faults.crashes.push({ moment: crash, unit, topic })
  })
  return faults
}

type Misfit = Omit<FaultMistake, 'at'>

/** Keys that do not go together, or are missing, and numbers that count nothing. */
function misfits(fault: InjectedFault): Misfit[] {
  const keys = (Object.keys(fault) as (keyof InjectedFault)[]).filter((key) => fault[key] !== undefined)
  const named = keys.filter((key) => Object.hasOwn(kinds, key))
  if (named.length !== 1) {
    const found = named.length === 0 ? 'none' : named.join(' and ')
    return [{ message: `expected exactly one of ${Object.keys(kinds).join(', ')} in a fault, found ${found}` }]
  }
  const kind = named[0]!
  const allowed = kinds[kind]!
  const stray = keys.filter((key) => key !== kind && !allowed.includes(key))
  return [
    ...stray.map((key) => ({ key, message: `\`${key}\` says nothing of \`${kind}\`; it takes ${allowed.join(', ')}` })),
    ...(allowed.includes('record') && [fault.record ?? []].flat().length === 0
      ? [{ message: `which record fails at ${fault[kind]}? \`record: 1\` is the first that comes there` }]
      : []),
    ...(allowed.includes('retry') && fault.times !== undefined && !fault.retry
      ? [{ key: 'times' as const, message: '`times` counts the tries that fail: it needs `retry: true`' }]
      : []),
    ...(['record', 'times', 'unit'] as const).flatMap((key) =>
      [fault[key] ?? []].flat().some((number) => !Number.isInteger(number) || number < 1)
        ? [{ key, message: `\`${key}\` counts from 1 on, in whole numbers` }]
        : [],
    ),
    ...(fault.crash !== undefined && !crashes.includes(fault.crash)
      ? [{ key: 'crash' as const, message: `expected one of ${crashes.join(', ')}` }]
      : []),
  ]
}

/** Names that the plan does not have. */
function unknowns({ operator, sink, deadLetters, topic }: InjectedFault, plan: Plan): Misfit[] {
  const check = (
    key: keyof InjectedFault,
    name: string | undefined,
    what: string,
    known: readonly string[],
  ): Misfit[] =>
    name === undefined || known.includes(name)
      ? []
      : [{ key, message: `\`${name}\` is not ${what} of this pipeline; ${nearestOf(name, known)}` }]
  return [
    ...check('operator', operator, 'an operator', placesOf(plan)),
    ...check('sink', sink, 'an external sink', externalSinksOf(plan)),
    ...check('deadLetters', deadLetters, 'a dead-letter topic', deadLetterTopicsOf(plan)),
    ...check('topic', topic, 'a written topic', writtenTopicsOf(plan)),
  ]
}

const streamsOf = ({ subtopologies }: Plan) => subtopologies.flatMap(({ streams }) => streams)

/** The ids of all operators; one that reads another stream takes that one's records as `<id>.right`. */
const placesOf = (plan: Plan): string[] =>
  streamsOf(plan).flatMap(({ steps }) =>
    steps.flatMap(({ id, reads }) => (reads.stream === undefined ? [id] : [id, `${id}.right`])),
  )

const externalSinksOf = (plan: Plan): string[] =>
  streamsOf(plan).flatMap(({ sinks }) => sinks.filter(({ spec }) => spec.open).map(({ id }) => id))

const deadLetterTopicsOf = (plan: Plan): string[] => [
  ...new Set(externalSources(plan).map(({ deadLetters }) => deadLetters.topic)),
]

const writtenTopicsOf = (plan: Plan): string[] => [
  ...new Set([
    ...streamsOf(plan).flatMap(({ sinks }) =>
      sinks.flatMap(({ topic, repartition }) => topic?.name ?? repartition ?? []),
    ),
    ...deadLetterTopicsOf(plan),
    ...externalSources(plan).flatMap(({ deadLetters }) => deadLetters.retry.topic ?? []),
  ]),
]
