import fc from 'fast-check'
import { expect, it } from 'vitest'
import { memoryState, type StateStore } from '../../../src/component/state.ts'
import { join } from '../../../src/operators/join.ts'
import type { Ending } from '../../../src/record/outcome.ts'
import type { Record } from '../../../src/record/record.ts'
import { context } from '../../support/context.ts'
import { joined, told, type Given, type JoinInput } from './bothSides.ts'

interface Window {
  readonly before: number
  readonly after: number
  readonly grace: number
}

const windows = fc.record({ before: fc.nat(20), after: fc.nat(20), grace: fc.nat(20) })
const usable = windows.filter(({ before, after, grace }) => before + after + grace > 0)

const givens = (disorder: number) =>
  fc
    .array(
      fc.record({
        side: fc.constantFrom('left' as const, 'right' as const),
        step: fc.nat(6),
        back: fc.nat(disorder),
        key: fc.constantFrom('a', 'b', 'c'),
      }),
      { maxLength: 120 },
    )
    .map((steps): Given[] => {
      let now = 50
      return steps.map(({ side, step, back, key }, n) => {
        now += step
        return { side, key, time: Math.max(0, now - back), value: { n } }
      })
    })

const configOf = ({ before, after, grace }: Window, type: 'inner' | 'left' | 'outer'): JoinInput => ({
  stream: 'other',
  within: { before: `${before}ms`, after: `${after}ms` },
  grace: `${grace}ms`,
  type,
  as: 'o',
  late: 'drop',
})

/** Runs it, begun anew over the same state before each of some records, as after a restart. */
function run(
  config: JoinInput,
  given: readonly Given[],
  restarts: readonly number[] = [],
  state: StateStore = memoryState(),
) {
  let take = joined(config, { state })
  return given.map((one, n) => {
    if (restarts.includes(n)) take = joined(config, { state })
    const outcome = told(take(one))
    return typeof outcome === 'string' ? [] : outcome
  })
}

interface Pair {
  readonly n?: number
  readonly o?: { readonly n: number }
}
const pairsOf = (outputs: ReturnType<typeof run>): Pair[] => outputs.flat().map(([value]) => value as Pair)
const inOrder = (pairs: readonly Pair[]): string[] => pairs.map((pair) => JSON.stringify(pair)).sort()

const restarts = fc.uniqueArray(fc.nat(119), { maxLength: 6 })

it('an inner join gives the pairs within the window, if records come no later than grace allows', () => {
  fc.assert(
    fc.property(usable, givens(0), fc.nat(20), restarts, (window, ordered, disorder, again) => {
      // Records come up to `grace` behind the latest of either side.
      const { before, after, grace } = window
      const given = shifted(ordered, Math.min(disorder, grace))
      const lefts = given.filter(({ side }) => side === 'left')
      const rights = given.filter(({ side }) => side === 'right')
      const expected = lefts.flatMap((left) =>
        rights
          .filter(({ key, time }) => key === left.key && time >= left.time - before && time <= left.time + after)
          .map(({ value }) => ({ ...(left.value as object), o: value })),
      )
      expect(inOrder(pairsOf(run(configOf(window, 'inner'), given, again)))).toEqual(inOrder(expected as Pair[]))
    }),
  )
})

it('restarts change nothing, whatever comes', () => {
  const types = fc.constantFrom('inner' as const, 'left' as const, 'outer' as const)
  fc.assert(
    fc.property(usable, types, givens(60), restarts, (window, type, given, again) => {
      expect(run(configOf(window, type), given, again)).toEqual(run(configOf(window, type), given))
    }),
  )
})

it('an outer join lets every record leave, alone or in pairs, and no record both ways if none comes too late', () => {
  fc.assert(
    fc.property(usable, givens(0), fc.nat(20), (window, ordered, disorder) => {
      const given = [
        ...shifted(ordered, Math.min(disorder, window.grace)),
        { side: 'left', key: 'end', time: 10_000, value: { n: -1 } } as const,
      ]
      const outputs = pairsOf(run(configOf(window, 'outer'), given))
      const alone = outputs.flatMap(({ n, o }) => (n !== undefined && o !== undefined ? [] : [n ?? o!.n]))
      const paired = new Set(outputs.flatMap(({ n, o }) => (n !== undefined && o !== undefined ? [n, o.n] : [])))
      const expected = given.map((_, n) => n).filter((n) => n < given.length - 1 && !paired.has(n))
      expect(alone.toSorted((a, b) => a - b)).toEqual(expected)
    }),
  )
})

it('an inner join tells of each record that met none, where it is asked for, if none comes too late', () => {
  fc.assert(
    fc.property(usable, givens(0), fc.nat(20), restarts, (window, ordered, disorder, again) => {
      const given = [
        ...shifted(ordered, Math.min(disorder, window.grace)),
        { side: 'left', key: 'end', time: 10_000, value: { n: -1 } } as const,
      ]
      const config: JoinInput = { ...configOf(window, 'inner'), missing: 'deadLetter', otherMissing: 'deadLetter' }
      const state = memoryState()
      const paired = new Set(pairsOf(run(config, given, again, state)).flatMap(({ n, o }) => [n, o!.n]))
      const step = join.build(join.config.parse(config), context({ state }))
      const missed = 'clock' in step ? step.clock.tick(0) : []
      const expected = given.map((_, n) => n).filter((n) => n < given.length - 1 && !paired.has(n))
      expect(missed.map((each) => numberOf(each)).sort((a, b) => a - b)).toEqual(expected)
    }),
  )
})

const numberOf = (ended: Record | Ending): number =>
  'type' in ended ? (ended.record.value as { readonly n: number }).n : Number.NaN

/** The same records, every third so much behind. */
const shifted = (given: readonly Given[], by: number): Given[] =>
  given.map((one, n) => (n % 3 === 0 ? { ...one, time: Math.max(0, one.time - by) } : one))
