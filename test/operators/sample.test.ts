import { from, lastValueFrom, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { memoryState } from '../../src/component/state.ts'
import { sample } from '../../src/operators/sample.ts'
import { drop, emit } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('sample', () => {
  const a = record(1)

  it(
    'keeps the first of every so many, also over a restart',
    marbles(({ cold, expectObservable }) => {
      const state = memoryState()
      const once = () => sample.over({ every: 3 }, context({ state }))

      expectObservable(cold('aaaa|', { a }).pipe(once())).toBe('edde|', { e: emit(a), d: drop(a, 'sampled out') })
      expectObservable(cold('----aaa|', { a }).pipe(once())).toBe('----dde|', { e: emit(a), d: drop(a, 'sampled out') })
    }),
  )

  it('keeps a share, and the same records in a replay', async () => {
    const records = Array.from({ length: 10_000 }, (_, n) => record(n))
    const kept = async () => {
      const outcomes = await lastValueFrom(from(records).pipe(sample.over({ share: 0.3 }, context()), toArray()))
      return outcomes.filter(({ type }) => type === 'emit').map(({ record }) => record.value)
    }
    const first = await kept()

    expect(first.length).toBeGreaterThan(2_800)
    expect(first.length).toBeLessThan(3_200)
    expect(await kept()).toEqual(first)
  })

  it.each([
    [0, drop(a, 'sampled out')],
    [1, emit(a)],
  ])('with a share of %d', (share, outcome) =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a|', { a }).pipe(sample.over({ share }, context()))).toBe('x|', { x: outcome })
    })(),
  )

  it.each([{}, { every: 2, share: 0.5 }])('refuses %j', (config) => {
    expect(sample.config.safeParse(config).error?.issues[0]?.message).toBe('expected either "every" or "share"')
  })
})
