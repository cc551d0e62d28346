import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { memoryState, type StateStore } from '../../src/component/state.ts'
import { alert, type AlertRecord } from '../../src/monitor/alert.ts'
import type { Sample } from '../../src/monitor/sample.ts'
import type { Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { verdicts } from '../support/outcomes.ts'
import { record } from '../support/records.ts'

const calm: Sample = {
  source: 'orders',
  topic: 'dlq.orders',
  size: 0,
  growth: 0,
  rate: 0,
  age: 0,
  share: 0,
  read: 0,
  dead: 0,
  parked: 0,
  paused: 0,
  newGroups: 0,
  regressedGroups: 0,
  groups: [],
}

/** What each sample, given as what differs from a calm one, becomes: a state, why it was dropped, or a fault's code. */
function over(config: Parameters<typeof alert.over>[0], state: StateStore = memoryState()) {
  const toRecord = map((change: Partial<Sample>) => record({ ...calm, ...change }))
  return [toRecord, alert.over(config, context({ state })), map(verdict)] as const
}

function verdict(outcome: Outcome): string {
  if (outcome.type === 'emit') return (outcome.results[0]!.value as AlertRecord).state
  return outcome.type === 'drop' ? outcome.reason : outcome.fault.code
}

const words = { q: 'quiet', s: 'already firing', f: 'firing', g: 'growing', r: 'resolved' }
const sizes = Object.fromEntries([...'0123456789'].map((digit) => [digit, { size: Number(digit) }]))

describe('alert', () => {
  it(
    'fires once when its condition comes true',
    marbles(({ cold, expectObservable }) => {
      const samples = cold(' 1-3-4-4-4|', sizes)
      const expected = '     q-q-f-s-s|'

      expectObservable(samples.pipe(...over({ name: 'many', when: 'size > 3' }))).toBe(expected, words)
    }),
  )

  it(
    'fires again each time the size has grown by its step',
    marbles(({ cold, expectObservable }) => {
      const samples = cold(' 2-3-4-7-8-9|', sizes)
      const expected = '     f-s-g-s-g-s|'

      expectObservable(samples.pipe(...over({ name: 'many', when: 'size > 1', step: 2 }))).toBe(expected, words)
    }),
  )

  it(
    'resolves with hysteresis, and can fire anew',
    marbles(({ cold, expectObservable }) => {
      const samples = cold(' 6-5-4-3-2-1-6|', sizes)
      const expected = '     f-s-s-s-r-q-f|'

      expectObservable(samples.pipe(...over({ name: 'many', when: 'size > 5', clear: 0.5 }))).toBe(expected, words)
    }),
  )

  it(
    'resolves at the threshold itself with clear: 1, and only at nothing with clear: 0',
    marbles(({ cold, expectObservable }) => {
      const samples = cold(' 6-5-1-0|', sizes)
      const sharp = '        f-r-q-q|'
      const patient = '      f-s-s-r|'
      const one = over({ name: 'sharp', when: 'size > 5', clear: 1 })
      const two = over({ name: 'patient', when: 'size > 5', clear: 0 })

      expectObservable(samples.pipe(...one)).toBe(sharp, words)
      expectObservable(samples.pipe(...two)).toBe(patient, words)
    }),
  )

  it(
    'keeps quiet after a restart',
    marbles(({ cold, expectObservable }) => {
      const before = cold('  4-5|', sizes)
      const after = cold('   ----4-5-2|', sizes)
      const state = memoryState()
      const first = over({ name: 'many', when: 'size > 3' }, state)
      const second = over({ name: 'many', when: 'size > 3' }, state)

      expectObservable(before.pipe(...first)).toBe('f-s|', words)
      expectObservable(after.pipe(...second)).toBe('----s-s-r|', words)
    }),
  )

  it(
    'watches each dead-letter topic by itself',
    marbles(({ cold, expectObservable }) => {
      const topics = { a: { topic: 'dlq.a', size: 9 }, b: { topic: 'dlq.b', size: 9 } }
      const samples = cold(' a-b-a|', topics)
      const expected = '     f-f-s|'

      expectObservable(samples.pipe(...over({ name: 'many', when: 'size > 3' }))).toBe(expected, words)
    }),
  )

  it.each([
    ['growth > 5', { growth: 5 }, { growth: 6 }],
    ['rate >= 2.5', { rate: 2 }, { rate: 2.5 }],
    ['age > 3600', { age: 3_600 }, { age: 3_601 }],
    ['share > 0.1 && read > 20', { share: 0.5, read: 20 }, { share: 0.5, read: 21 }],
    ['dead > 2', { dead: 2 }, { dead: 3 }],
    ["source == 'orders' && size > 0", { source: 'clicks', size: 1 }, { size: 1 }],
    ["topic.startsWith('dlq.') && size > 0", { topic: 'failed.orders', size: 1 }, { size: 1 }],
  ])('takes the condition %s', (when, quiet, firing) =>
    marbles(({ cold, expectObservable }) => {
      const samples = cold(' a-b|', { a: quiet, b: firing })
      expectObservable(samples.pipe(...over({ name: 'x', when }))).toBe('q-f|', words)
    })(),
  )

  it('says what, where, since when and when', () => {
    const step = alert.build(alert.config.parse({ name: 'stale', when: 'age > 60' }), context())
    const records = (
      [
        [7_200, 3, 1_000],
        [7_260, 6, 61_000],
        [0, 0, 121_000],
      ] as const
    ).map(([age, size, timestamp]) => {
      const outcome = (step as (record: Record) => Outcome)(record({ ...calm, age, size, rate: 1.25 }, { timestamp }))
      if (outcome.type !== 'emit') throw new Error(`expected an alert, found ${verdict(outcome)}`)
      return outcome.results[0]!.value as AlertRecord
    })
    expect(records.map(({ state, since, at }) => [state, since, at])).toEqual([
      ['firing', '1970-01-01T00:00:01.000Z', '1970-01-01T00:00:01.000Z'],
      ['growing', '1970-01-01T00:00:01.000Z', '1970-01-01T00:01:01.000Z'],
      ['resolved', '1970-01-01T00:00:01.000Z', '1970-01-01T00:02:01.000Z'],
    ])
    expect(records.map(({ text }) => text)).toEqual([
      '[firing] stale: dlq.orders holds 3 open dead letters, the oldest 2 h old, 1.3 more a minute: age > 60.',
      '[growing] stale: dlq.orders holds 6 open dead letters, the oldest 2 h old, 1.3 more a minute: age > 60.',
      '[resolved] stale: dlq.orders holds 0 open dead letters: no longer age > 60.',
    ])
  })

  it('says what waits, and that partitions are paused', () => {
    const step = alert.build(alert.config.parse({ name: 'stuck', when: 'paused > 0' }), context())
    const outcome = (step as (record: Record) => Outcome)(record({ ...calm, size: 1, age: 5, parked: 3, paused: 1 }))
    expect(outcome.type === 'emit' && (outcome.results[0]!.value as AlertRecord)).toMatchObject({
      parked: 3,
      paused: 1,
      text: '[firing] stuck: dlq.orders holds 1 open dead letter, the oldest 5 s old, 3 records wait behind them, 1 partition is paused for it: paused > 0.',
    })
  })

  it('fails what is not a sample, and a condition that gives no boolean', async () => {
    const strict = alert.over({ name: 'x', when: 'size > 1' }, context())
    expect(await verdicts(strict, { size: 1 }, 'text')).toEqual(['fail sample.invalid', 'fail sample.invalid'])
    const vague = alert.over({ name: 'x', when: 'source' }, context())
    expect(await verdicts(vague, calm)).toEqual(['fail expression.failed'])
  })

  it.each(alert.examples)('does as documented: $title', async ({ config, given, expect: expected }) => {
    expect(await verdicts(alert.over(config as never, context()), ...given)).toEqual(expected)
  })
})
