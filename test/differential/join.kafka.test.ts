import { beforeAll, describe, expect, it } from 'vitest'
import { attempt } from '../../src/component/lift.ts'
import type { TwoSided } from '../../src/component/operator.ts'
import { memoryState } from '../../src/component/state.ts'
import { readTable, writeTable } from '../../src/component/tableStore.ts'
import { join } from '../../src/operators/join.ts'
import { absorb, type Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { record } from '../support/records.ts'
import { joinCases, type JoinCase, type JoinRecord, type JoinSettings, type Output } from './joinCases.ts'
import { isPair, leavingAlone, resultsWith, unexplained } from './leavingAlone.ts'
import { answersOf, missingReference, type Answer } from './reference.ts'

const perJoin = 25

const joins = [
  { name: 'inner, within a window, stores in memory', kind: 'windowed', type: 'inner', store: 'memory' },
  { name: 'inner, within a window, stores on disk', kind: 'windowed', type: 'inner', store: 'disk' },
  { name: 'left, within a window, stores in memory', kind: 'windowed', type: 'left', store: 'memory' },
  { name: 'left, within a window, stores on disk', kind: 'windowed', type: 'left', store: 'disk' },
  { name: 'outer, within a window, stores in memory', kind: 'windowed', type: 'outer', store: 'memory' },
  { name: 'outer, within a window, stores on disk', kind: 'windowed', type: 'outer', store: 'disk' },
  { name: 'inner, with a table', kind: 'table', type: 'inner', store: 'memory' },
  { name: 'left, with a table', kind: 'table', type: 'left', store: 'memory' },
  { name: 'inner, of tables', kind: 'latest', type: 'inner', store: 'memory' },
  { name: 'left, of tables', kind: 'latest', type: 'left', store: 'memory' },
  { name: 'outer, of tables', kind: 'latest', type: 'outer', store: 'memory' },
  { name: 'inner, by a foreign key', kind: 'foreignKey', type: 'inner', store: 'memory' },
  { name: 'left, by a foreign key', kind: 'foreignKey', type: 'left', store: 'memory' },
  { name: 'inner, with a global table', kind: 'global', type: 'inner', store: 'memory' },
  { name: 'left, with a global table', kind: 'global', type: 'left', store: 'memory' },
] as const

const missing = missingReference()

describe.skipIf(missing !== undefined)(`join equals Kafka Streams${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const cases = joins.map((one) => joinCases(one, perJoin))
  let answers: readonly (readonly Answer<Output>[])[]

  beforeAll(() => {
    answers = answersOf<Output>(cases.flat())
  }, 600_000)

  it.each(joins.map((one, number) => ({ ...one, number })))('$name', ({ number, ...settings }) => {
    let results = 0
    for (const [n, asked] of cases[number]!.entries()) {
      const answer = answers[number * perJoin + n]!
      const outcomes = settings.kind === 'foreignKey' ? answeredOf(asked) : outcomesOf(asked)
      const ours = outcomes.map(resultsOf)
      const theirs = expectedOf(asked, answer)
      expect({ ...asked, results: ours }).toEqual({ ...asked, results: theirs })
      results += theirs.flat().length
      if (!tellsLate(settings)) continue
      const late = outcomes.map((outcome) => outcome.type === 'fail' && outcome.fault.code === 'record.late')
      expect({ ...asked, late }).toEqual({ ...asked, late: asked.records.map((one, at) => isLate(one, answer[at]!)) })
    }
    // The cases are about something.
    expect(results).toBeGreaterThan(500)
  })
})

/** What Kafka Streams says, but for what leaves alone, where its differences are explained. */
function expectedOf(asked: JoinCase, answer: readonly Answer<Output>[]): readonly (readonly Output[])[] {
  const theirs = answer.map(({ outputs }) => outputs)
  const { kind, type } = asked.settings
  if (kind === 'foreignKey') return takingBack(theirs)
  if (kind !== 'windowed' || type === 'inner') return theirs
  const pairs = theirs.map((outputs) => outputs.filter(isPair))
  const leaving = leavingAlone(asked, pairs)
  expect({ ...asked, unexplained: unexplained(asked, leaving, theirs) }).toEqual({ ...asked, unexplained: [] })
  return resultsWith(leaving, pairs)
}

/** Without tombstones of keys that have no result, which Kafka Streams may repeat. */
function takingBack(results: readonly (readonly Output[])[]): readonly (readonly Output[])[] {
  const standing = new Set<string>()
  const tells = ({ key, value }: Output): boolean => {
    if (value === null) return standing.delete(key!)
    standing.add(key!)
    return true
  }
  return results.map((outputs) => outputs.filter(tells))
}

/** Only stores in memory count each record that is too late for them. */
const tellsLate = ({ kind, type, store }: Pick<JoinSettings, 'kind' | 'type' | 'store'>): boolean =>
  kind === 'windowed' && type === 'inner' && store === 'memory'

const isLate = ({ key, value }: JoinRecord, { outputs, dropped }: Answer<Output>): boolean =>
  key !== null && value !== null && dropped > 0 && outputs.length === 0

/** As if each record went through all internal topics before the next one. */
function answeredOf({ settings, records }: JoinCase): readonly Outcome[] {
  const config = join.config.parse(configOf(settings))
  const asking = join.build(config, context()) as TwoSided
  const answering = join.counterpart!(config)!.build(config, context()) as TwoSided
  const resultsOf = (call: (record: Record) => Outcome, given: Record): readonly Record[] => {
    const outcome = attempt(call, given, 'join')
    if (outcome.type !== 'emit') return []
    const isResult = call === asking.right || (call === asking.left && outcome.branch === undefined)
    if (isResult) return outcome.results
    const next = call === asking.left ? answering.left : asking.right
    return outcome.results.flatMap((result) => resultsOf(next, result))
  }
  return records.map(({ topic, key, value, timestamp }, at): Outcome => {
    const given = record(topic === 'left' ? referring(value) : value, {
      key: key === null ? null : Buffer.from(key),
      timestamp,
    })
    const numbered = { ...given, origin: { ...given.origin, offset: BigInt(at) } }
    return {
      type: 'emit',
      record: numbered,
      results: resultsOf(topic === 'left' ? asking.left : answering.right, numbered),
    }
  })
}

/** A left value, with what it refers to. */
const referring = (value: string | null) =>
  value === null ? null : { left: value, of: value.indexOf(':') > 0 ? value.split(':')[0] : null }

function outcomesOf({ settings, records }: JoinCase): readonly Outcome[] {
  const rows = memoryState()
  const own = context({ table: () => readTable(rows) })
  const step = join.build(join.config.parse(configOf(settings)), own)
  return records.map(({ topic, key, value, timestamp }) => {
    const left = settings.kind === 'global' ? referring(value) : value === null ? null : { left: value }
    const given = record(topic === 'left' ? left : value, {
      key: key === null ? null : Buffer.from(key),
      timestamp,
    })
    if ('left' in step) return attempt(step[topic], given, own.name)
    if (typeof step === 'function' && topic === 'left') return attempt(step, given, own.name)
    if (key !== null) writeTable(rows, 'rows', given)
    return absorb(given)
  })
}

const foreignKey = 'record.of'

function configOf({ kind, type, before, after, grace }: JoinSettings): Parameters<typeof join.over>[0] {
  const as = 'right'
  if (kind === 'table') return { table: 'rows', as, type, keyless: type === 'left' ? 'keep' : 'drop' }
  if (kind === 'foreignKey')
    return { stream: 'right', foreignKey, as, type, keyless: type === 'left' ? 'keep' : 'drop' }
  if (kind === 'global') return { table: 'rows', by: foreignKey, as, type, keyless: type === 'left' ? 'keep' : 'drop' }
  if (kind === 'latest') return { stream: 'right', latest: true, as, type, keyless: 'drop' }
  const within = { before: `${before}ms`, after: `${after}ms` }
  return { stream: 'right', within, grace: `${grace}ms`, as, type, keyless: type === 'inner' ? 'drop' : 'keep' }
}

const resultsOf = (outcome: Outcome): readonly Output[] =>
  outcome.type === 'emit' ? outcome.results.map(outputOf) : []

function outputOf({ key, value, timestamp }: Record): Output {
  const { left = '', right = '' } = (value ?? {}) as { readonly left?: string; readonly right?: string }
  return { key: key?.toString() ?? null, value: value === null ? null : `${left}+${right}`, timestamp }
}
