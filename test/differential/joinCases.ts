import fc from 'fast-check'
import type { Case } from './reference.ts'

export interface JoinSettings {
  readonly kind: 'windowed' | 'table' | 'latest' | 'foreignKey' | 'global'
  readonly type: 'inner' | 'left' | 'outer'
  readonly before: number
  readonly after: number
  readonly grace: number
  /** Where Kafka Streams keeps windows. */
  readonly store: 'memory' | 'disk'
}

export interface JoinRecord {
  readonly topic: 'left' | 'right'
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export interface JoinCase extends Case {
  readonly settings: JoinSettings & Case['settings']
  readonly records: readonly JoinRecord[]
}

/** A result, of Kafka Streams or of Oxbow; its value is "left+right", without what is not there. */
export interface Output {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

/** Records of both sides, every second one up to 30 ms behind the newest; many of equal times; four keys, and none. */
const steps = fc.array(
  fc.record({
    topic: fc.constantFrom('left' as const, 'right' as const),
    step: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 2, 3, 5, 8, 40),
    behind: fc.nat(30),
    key: fc.constantFrom('a', 'a', 'a', 'b', 'b', 'ä', '~', null),
    isEmpty: fc.boolean(),
  }),
  { minLength: 80, maxLength: 100 },
)

const times = fc
  .record({ before: fc.nat(20), after: fc.nat(20), grace: fc.constantFrom(0, 0, 3, 10, 25) })
  .filter(({ before, after, grace }) => before + after + grace > 0)

/** How often a value is null: as often as a key changes in a table, and rarely in a stream, where it means nothing. */
const emptyEvery = { windowed: 20, table: 5, latest: 4, foreignKey: 4, global: 5 } as const

/** Random cases of one join: the same ones every time. */
export const joinCases = (join: Pick<JoinSettings, 'kind' | 'type' | 'store'>, count: number): readonly JoinCase[] =>
  fc.sample(fc.tuple(steps, times), { numRuns: count, seed: 7 }).map(([given, window]): JoinCase => {
    let newest = 0
    const records = given.map(({ topic, step, behind, key, isEmpty }, n): JoinRecord => {
      newest += step
      const text = refers(join, topic) ? `${foreignKeys[behind % foreignKeys.length]}:${n}` : `${topic[0]}${n}`
      const value = isEmpty && n % emptyEvery[join.kind] === 0 && mayBeEmpty(join) ? null : text
      const timestamp = n % 2 === 0 ? newest : Math.max(0, newest - behind)
      return { topic, key: mayHaveNoKey(join, topic) ? key : (key ?? 'a'), value, timestamp }
    })
    const last: JoinRecord = { topic: 'left', key: 'end', value: 'end', timestamp: newest + 1_000 }
    return { topology: 'join', settings: { ...join, ...window }, records: [...records, last] }
  })

/** A left record says before a colon which right one it refers to; nothing, that it refers to none. */
const foreignKeys = ['a', 'a', 'b', 'ä', '']
const refers = ({ kind }: Pick<JoinSettings, 'kind'>, topic: JoinRecord['topic']): boolean =>
  topic === 'left' && (kind === 'foreignKey' || kind === 'global')

/** Stores in memory, which are not the default, take the time of a record without a value for that of their newest. */
const mayBeEmpty = ({ kind, store }: Pick<JoinSettings, 'kind' | 'store'>): boolean =>
  kind !== 'windowed' || store === 'disk'

/** A record without a key that may not leave alone is a dead letter here, and moves time on there. */
const mayHaveNoKey = ({ kind, type }: Pick<JoinSettings, 'kind' | 'type'>, topic: JoinRecord['topic']): boolean =>
  kind !== 'windowed' || type !== 'left' || topic === 'left'
