import fc from 'fast-check'
import type { Case } from './reference.ts'

export interface Settings {
  /** Tumbling and hopping windows are fixed. */
  readonly window: 'none' | 'fixed' | 'sliding' | 'session'
  readonly size: number
  readonly every: number
  readonly grace: number
  /** How long Kafka Streams' store keeps windows. */
  readonly retention: number
  readonly emit: 'update' | 'close' | 'suppress'
}

export interface AggregateCase extends Case {
  readonly settings: Settings & Case['settings']
}

/** Every second record up to 20 ms behind the newest, some far ahead; many of equal times; three keys, and none. */
const records = fc
  .array(
    fc.record({
      step: fc.constantFrom(0, 0, 1, 1, 2, 3, 5, 8, 40),
      behind: fc.nat(20),
      key: fc.constantFrom('a', 'a', 'b', 'ä', null),
    }),
    { minLength: 40, maxLength: 60 },
  )
  .map((steps) => {
    let newest = 0
    return steps.map(({ step, behind, key }, n) => {
      newest += step
      return { key, value: `r${n}`, timestamp: n % 2 === 0 ? newest : Math.max(0, newest - behind) }
    })
  })

const times = fc.record({
  size: fc.integer({ min: 1, max: 20 }),
  every: fc.integer({ min: 1, max: 20 }),
  grace: fc.constantFrom(0, 0, 3, 10, 25),
})

/** Random cases of one topology: the same ones every time. */
export const casesOf = (
  { window, emit, tumbling = false }: Pick<Settings, 'window' | 'emit'> & { readonly tumbling?: boolean },
  count: number,
): readonly AggregateCase[] =>
  fc
    .sample(fc.tuple(records, times), { numRuns: count, seed: 5 })
    .map(([records, { size, every, grace }]): AggregateCase => {
      const retention = retentionOf(window, emit, size, grace)
      const settings = { window, emit, size, every: tumbling ? size : Math.min(every, size), grace, retention }
      return { topology: 'aggregate', settings, records }
    })

/**
 * The default of Kafka Streams, but for two of its ways (docs/guide/windows.md): a store of sessions hides one in the last
 * millisecond in which it is open, and results on close are not found when stream time jumps, unless it keeps them longer.
 */
function retentionOf(window: Settings['window'], emit: Settings['emit'], size: number, grace: number): number {
  if (window === 'session') return size + grace + 1
  if (emit === 'close') return 100_000
  return (window === 'sliding' ? 2 : 1) * size + grace
}
