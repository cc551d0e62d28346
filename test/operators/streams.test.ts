import { join } from 'node:path'
import { from, lastValueFrom, map as mapTo, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Operator } from '../../src/component/operator.ts'
import { branch } from '../../src/operators/branch.ts'
import { dedupe } from '../../src/operators/dedupe.ts'
import { delay } from '../../src/operators/delay.ts'
import { filter } from '../../src/operators/filter.ts'
import { flatMap } from '../../src/operators/flatMap.ts'
import { log } from '../../src/operators/log.ts'
import { map } from '../../src/operators/map.ts'
import { remove } from '../../src/operators/remove.ts'
import { rename } from '../../src/operators/rename.ts'
import { sample } from '../../src/operators/sample.ts'
import { set } from '../../src/operators/set.ts'
import { split } from '../../src/operators/split.ts'
import { throttle } from '../../src/operators/throttle.ts'
import { unnest } from '../../src/operators/unnest.ts'
import { use } from '../../src/operators/use.ts'
import type { Outcome } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

const operators: readonly Operator[] = [
  branch,
  dedupe,
  delay,
  filter,
  flatMap,
  log,
  map,
  remove,
  rename,
  sample,
  set,
  split,
  throttle,
  unnest,
  use,
]

const inConfigs = () => context({ directory: join(import.meta.dirname, '../../config') })

const verdict = (outcome: Outcome): unknown => {
  if (outcome.type === 'emit') return outcome.results.map(({ value }) => value)
  return outcome.type === 'drop' ? `drop ${outcome.reason}` : `fail ${outcome.fault.code}`
}

describe.each(operators)('$name', (operator) => {
  const config = operator.examples[0]!.config

  it.each(operator.examples)('does as documented: $title', async ({ config, given, expect: expected }) => {
    const outcomes = from(given.map((value) => record(value))).pipe(operator.over(config, inConfigs()))
    expect(await lastValueFrom(outcomes.pipe(mapTo(verdict), toArray()))).toEqual(expected)
  })

  it(
    'is silent over a source that never emits',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold<never>('-')
      const unsubscribe = '       ---!'

      expectObservable(source.pipe(operator.over(config, inConfigs())), unsubscribe).toBe('-')
      expectSubscriptions(source.subscriptions).toBe('^--!')
    }),
  )

  it(
    'completes with an empty source',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<never>('--|').pipe(operator.over(config, inConfigs()))).toBe('--|')
    }),
  )
})
