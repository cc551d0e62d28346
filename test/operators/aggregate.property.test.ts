import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { StateReader } from '../../src/broker/broker.ts'
import { memoryState, type StateStore } from '../../src/component/state.ts'
import { aggregate } from '../../src/operators/aggregate.ts'
import { fail, type Outcome } from '../../src/record/outcome.ts'
import type { Fault } from '../../src/record/fault.ts'
import type { Record } from '../../src/record/record.ts'
import { StagedState } from '../../src/topology/staged.ts'
import { context } from '../support/context.ts'
import { record } from '../support/records.ts'

type Config = z.input<typeof aggregate.config>

/** x is text now and then, which `reduce` fails for. */
const records = fc.array(
  fc
    .record({
      time: fc.nat(120),
      key: fc.constantFrom('a', 'b'),
      x: fc.oneof({ weight: 9, arbitrary: fc.nat(9) }, fc.constant('x')),
    })
    .map(({ time, key, x }) => record({ x }, { timestamp: time, key: Buffer.from(key) })),
  { maxLength: 60 },
)
const windows = fc.constantFrom(
  { tumbling: '10ms' },
  { hopping: '10ms', every: '4ms' },
  { sliding: '7ms' },
  { session: '5ms' },
)
const options = fc.record({
  window: windows,
  grace: fc.constantFrom('0ms', '5ms', '40ms'),
  emit: fc.constantFrom('update', 'close'),
})

/** The operator over a state whose changes are taken back when it fails, as a task does. */
function stepOver(config: Config, state: StateStore, attempt: StagedState['attempt'] = (call, given) => call(given)) {
  const step = aggregate.build(aggregate.config.parse(config), context({ state }))
  if (typeof step !== 'function') throw new Error('expected a synchronous operator')
  return (record: Record): Outcome => {
    try {
      return attempt(step, record, ({ type }) => type !== 'fail')
    } catch (fault) {
      return fail(record, fault as Fault)
    }
  }
}

const nothing: StateReader = { get: () => undefined, entries: () => [], keys: () => [] }

const results = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap((outcome) => (outcome.type === 'emit' ? outcome.results : []))

const fieldsOf = ({ key, value }: Record) => ({
  key: String(key),
  ...(value as { readonly window_start: string; readonly window_end: string; readonly count: number }),
})

/** Closes every window. */
const end = () => record({ x: 0 }, { timestamp: 1e9, key: Buffer.from('end') })

describe('whatever the records', () => {
  it('each one that is not late counts in one tumbling window', () =>
    fc.assert(
      fc.property(records, fc.constantFrom('0ms', '5ms', '40ms'), (given, grace) => {
        const config: Config = { window: { tumbling: '10ms' }, grace, emit: 'close', into: { count: 'count' } }
        const outcomes = [...given, end()].map(stepOver(config, memoryState()))
        const late = outcomes.filter(({ type }) => type === 'fail').length
        const counted = results(outcomes).reduce((sum, result) => sum + fieldsOf(result).count, 0)
        expect(counted).toBe(given.length - late)
      }),
    ))

  it.each([
    {
      window: { tumbling: '10ms' },
      spans: (time: number) => [Math.floor(time / 10) * 10].map((start) => [start, start + 9]),
    },
    {
      window: { hopping: '10ms', every: '5ms' },
      spans: (time: number) =>
        [0, 1]
          .map((n) => Math.floor(time / 5 - n) * 5)
          .filter((start) => start >= 0)
          .map((start) => [start, start + 9]),
    },
    { window: { sliding: '7ms' }, spans: (time: number) => (time < 7 ? [] : [[time - 7, time]]) },
  ])('windows hold the records of their span: $window', ({ window, spans }) =>
    fc.assert(
      fc.property(records, (given) => {
        const config: Config = { window, grace: '1s', emit: 'close', into: { count: 'count' } }
        const found = new Map(
          results([...given, end()].map(stepOver(config, memoryState())))
            .map(fieldsOf)
            .map(({ key, window_start, count }) => [`${key} ${Date.parse(window_start)}`, count]),
        )
        for (const { key, timestamp } of given) {
          for (const [start, last] of spans(timestamp)) {
            const inside = given.filter(
              (other) => other.key!.equals(key!) && other.timestamp >= start! && other.timestamp <= last!,
            )
            expect(found.get(`${String(key)} ${start}`)).toBe(inside.length)
          }
        }
      }),
    ),
  )

  it('a restart between two of them changes nothing', () =>
    fc.assert(
      fc.property(records, options, fc.nat(60), (given, more, cut) => {
        const config = { ...more, into: { count: 'count', all: { collect: 'record.x' } } } as Config
        const whole = given.map(stepOver(config, memoryState()))
        const state = memoryState()
        const first = given.slice(0, cut).map(stepOver(config, state))
        const second = given.slice(cut).map(stepOver(config, state))
        expect([...first, ...second]).toEqual(whole)
      }),
    ))

  it('one that fails leaves no trace', () =>
    fc.assert(
      fc.property(records, options, (given, more) => {
        const sum = { reduce: { from: 0, with: 'total + record.x', merge: 'total + other' } }
        const config = { ...more, into: { count: 'count', sum } } as Config
        const run = (some: readonly Record[]) => {
          const staged = new StagedState(nothing)
          return some.map(stepOver(config, staged.store('aggregate'), (...parts) => staged.attempt(...parts)))
        }
        const outcomes = run(given)
        const failed = new Set(outcomes.filter(({ type }) => type === 'fail').map(({ record }) => record))
        const good = outcomes.filter(({ record }) => !failed.has(record))
        expect(run(given.filter((record) => !failed.has(record)))).toEqual(good)
      }),
    ))

  it('their order does not matter to what counts and sums, when none is late', () =>
    fc.assert(
      fc.property(records, windows, (given, window) => {
        const into = {
          count: 'count',
          sum: { sum: 'record.n' },
          lowest: { min: 'record.n' },
          different: { distinct: 'record.n' },
          middle: { percentiles: { of: 'record.n', at: [50] } },
        }
        const config = { window, grace: '1s', emit: 'close', into } as Config
        const numbers = given.map((one, n) => ({ ...one, value: { n: n / 10 } }))
        const closed = (some: readonly Record[]) =>
          results([...some, end()].map(stepOver(config, memoryState()))).map(fieldsOf)
        expect(closed(numbers.toReversed())).toEqual(closed(numbers))
      }),
    ))
})
