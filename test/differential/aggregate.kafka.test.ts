import { from, lastValueFrom, toArray } from 'rxjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/component/state.ts'
import { aggregate } from '../../src/operators/aggregate.ts'
import type { Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { record } from '../support/records.ts'
import { casesOf, type AggregateCase, type Settings } from './aggregateCases.ts'
import { answersOf, missingReference, type Answer } from './reference.ts'

/** A result, of Kafka Streams or of Oxbow. Kafka Streams says with a null value that a session has become another. */
interface Output {
  readonly key: string
  readonly start?: number
  readonly end?: number
  readonly value: string | null
  readonly timestamp: number
}

const perTopology = 25

const topologies = [
  { name: 'no windows', window: 'none', emit: 'update' },
  { name: 'tumbling windows, every update', window: 'fixed', tumbling: true, emit: 'update' },
  { name: 'tumbling windows, emit strategy onWindowClose', window: 'fixed', tumbling: true, emit: 'close' },
  { name: 'tumbling windows, suppress untilWindowCloses', window: 'fixed', tumbling: true, emit: 'suppress' },
  { name: 'hopping windows, every update', window: 'fixed', emit: 'update' },
  { name: 'hopping windows, emit strategy onWindowClose', window: 'fixed', emit: 'close' },
  { name: 'hopping windows, suppress untilWindowCloses', window: 'fixed', emit: 'suppress' },
  { name: 'sliding windows, every update', window: 'sliding', emit: 'update' },
  { name: 'sliding windows, emit strategy onWindowClose', window: 'sliding', emit: 'close' },
  { name: 'session windows, every update', window: 'session', emit: 'update' },
  { name: 'session windows, emit strategy onWindowClose', window: 'session', emit: 'close' },
] as const

const missing = missingReference()

describe.skipIf(missing !== undefined)(
  `aggregate equals Kafka Streams${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    const cases = topologies.map((topology) => casesOf(topology, perTopology))
    let answers: readonly (readonly Answer<Output>[])[]

    beforeAll(() => {
      answers = answersOf<Output>(cases.flat())
    }, 600_000)

    it.each(topologies.map(({ name }, number) => ({ name, number })))('$name', async ({ number }) => {
      let results = 0
      let late = 0
      for (const [n, asked] of cases[number]!.entries()) {
        const answer = answers[number * perTopology + n]!
        const outcomes = await outcomesOf(asked)
        const theirs = expectedOf(asked, answer, outcomes)
        expect({ ...asked, answers: outcomes }).toEqual({ ...asked, answers: theirs })
        results += theirs.flat().length
        late += theirs.filter((outputs) => outputs === 'late').length
      }
      // The cases are about something.
      expect(results).toBeGreaterThan(500)
      if (number > 0) expect(late).toBeGreaterThan(20)
    })
  },
)

type Answered = readonly Output[] | 'late' | 'no key'

/** What Kafka Streams says of each record, but for the intended differences: see docs/guide/windows.md. */
function expectedOf(
  { settings, records }: AggregateCase,
  answers: readonly Answer<Output>[],
  ours: readonly Answered[],
): readonly Answered[] {
  /** Right windows, which it opens even after a record that is in no open window itself. */
  const openedByLate = new Set<string>()
  return records.map(({ key, timestamp }, n) => {
    const { outputs, dropped } = answers[n]!
    const own = ours[n]!
    if (dropped > 0 && key === null) return 'no key'
    if (settings.window === 'sliding' && own === 'late') openedByLate.add(`${key} ${timestamp + 1}`)
    const isOdd = (output: Output) => openedByLate.has(`${output.key} ${output.start}`)
    const there = outputs.filter(({ value }) => value !== null)
    const expected = there.filter((output) => !isOdd(output) || placeIn(own, output) >= 0)
    if (there.some(isOdd)) expected.sort((a, b) => placeIn(own, a) - placeIn(own, b))
    if (settings.window === 'session') expected.sort(inOrder)
    return expected.length === 0 && isLate(settings, timestamp, dropped, own) ? 'late' : expected
  })
}

const placeIn = (ours: Answered, { key, start }: Output): number =>
  typeof ours === 'string' ? -1 : ours.findIndex((output) => output.key === key && output.start === start)

/**
 * Whether Kafka Streams has a record in no window. It counts windows that a record came too late for; how many sliding
 * windows those may be cannot be said, so that only results with every update tell.
 */
function isLate({ window, size, every, emit }: Settings, timestamp: number, dropped: number, own: Answered): boolean {
  if (dropped === 0) return false
  if (window === 'fixed') {
    const earliest = Math.floor(Math.max(0, timestamp - size + every) / every)
    return dropped === Math.floor(timestamp / every) - earliest + 1
  }
  return window === 'sliding' && emit !== 'update' ? own === 'late' : true
}

/** By end and key: with the strategy onWindowClose Kafka Streams looks at the starts of sessions before it looks at keys. */
const inOrder = (a: Output, b: Output): number => a.end! - b.end! || compareKeys(a.key, b.key)

const windows = ({ window, size, every }: AggregateCase['settings']) =>
  window === 'fixed'
    ? { hopping: `${size}ms`, every: `${every}ms` }
    : window === 'sliding'
      ? { sliding: `${size}ms` }
      : { session: `${size}ms` }

async function outcomesOf({ settings, records }: AggregateCase): Promise<readonly Answered[]> {
  const emit = settings.emit === 'update' ? 'update' : 'close'
  const config = {
    ...(settings.window !== 'none' && ({ window: windows(settings), grace: `${settings.grace}ms`, emit } as const)),
    into: { values: { collect: { of: 'record', most: 1_000 } } },
  }
  const given = records.map(({ key, value, timestamp }) =>
    record(value, { key: key === null ? null : Buffer.from(key), timestamp }),
  )
  const outcomes = await lastValueFrom(from(given).pipe(aggregate.over(config, context()), toArray()))
  return outcomes.map(answerOf)
}

function answerOf(outcome: Outcome): Answered {
  if (outcome.type === 'emit') return outcome.results.map(outputOf)
  if (outcome.type === 'fail' && outcome.fault.code === 'record.late') return 'late'
  if (outcome.type === 'fail' && outcome.fault.code === 'record.no_key') return 'no key'
  throw new Error(`an outcome that Kafka Streams has nothing like: ${JSON.stringify(outcome)}`)
}

function outputOf({ key, value, timestamp }: Record): Output {
  const { window_start, window_end, values } = value as {
    readonly window_start?: string
    readonly window_end?: string
    readonly values: readonly string[]
  }
  const span = window_start === undefined ? {} : { start: Date.parse(window_start), end: Date.parse(window_end!) }
  return { key: String(key), ...span, value: values.join(','), timestamp }
}
