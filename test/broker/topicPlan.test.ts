import { describe, expect, it } from 'vitest'
import { conflictOf, differencesOf, withRoom, type LiveTopic } from '../../src/broker/topicPlan.ts'

const day = 86_400_000
const used: LiveTopic = { partitions: 2, used: true, retention: 7 * day, compacted: false, maxMessageBytes: 1_000 }
const fresh: LiveTopic = { ...used, used: false }

describe('a topic that differs from what is needed', () => {
  it.each([
    ['is missing', {}, undefined, 'apply'],
    ['has too few partitions and no record', { partitions: 4 }, fresh, 'apply'],
    ['has too few partitions and records', { partitions: 4 }, used, 'refused'],
    ['has too many partitions', { partitions: 1 }, fresh, 'refused'],
    ['keeps records for too short', { retention: 8 * day }, used, 'apply'],
    ['keeps records for longer', { retention: day }, used, 'shorten'],
    ['would keep records for longer and has none', { retention: day }, fresh, 'apply'],
    ['keeps records for ever', { retention: day }, { partitions: 1, used: true }, 'shorten'],
    ['is not compacted and has records', { compacted: true }, used, 'refused'],
    ['is compacted and has none', { compacted: false }, { ...fresh, compacted: true }, 'apply'],
    ['takes only small batches', { maxMessageBytes: 2_000 }, used, 'apply'],
  ] as const)('and %s can be mended so', (_, needed, live, mending) => {
    expect(differencesOf({ name: 't', ...needed }, live)).toMatchObject([{ mending }])
  })

  it.each([
    ['what is not asked for', {}, used],
    ['larger batches than are needed', { maxMessageBytes: 10 }, used],
    ['what the broker does not tell', { maxMessageBytes: 10, compacted: true }, { partitions: 1, used: true }],
  ] as const)('is not one with %s', (_, needed, live) => {
    expect(differencesOf({ name: 't', ...needed }, live)).toEqual([])
  })

  it('stops a pipeline only where its records would be lost or out of order', () => {
    const conflict = (needed: object, live: LiveTopic) =>
      differencesOf({ name: 't', ...needed }, live).map((difference) => conflictOf('t', difference))
    expect(conflict({ partitions: 4 }, used)).toEqual([
      expect.stringContaining('its keys would move to others. Keep 2'),
    ])
    expect(conflict({ compacted: false }, { ...used, compacted: true })).toEqual([
      expect.stringContaining('is compacted'),
    ])
    expect(conflict({ partitions: 1, retention: day }, used)).toEqual([undefined, undefined])
  })
})

it('a topic for dead letters has room for the largest record of its sources and what is added', () => {
  const roomFor = { topics: ['a', 'b'], factor: 2, extra: 100 }
  const sizeIn = (live: readonly (readonly [string, number])[]) =>
    withRoom(
      [{ name: 'dlq', roomFor }],
      new Map(live.map(([name, maxMessageBytes]) => [name, { ...used, maxMessageBytes }])),
    )[0]!.maxMessageBytes
  expect(
    sizeIn([
      ['a', 5_000_000],
      ['b', 1_000],
    ]),
  ).toBe(10_000_100)
  expect(
    sizeIn([
      ['a', 1_000],
      ['b', 1_000],
    ]),
  ).toBe(1_048_588)
  expect(sizeIn([['a', 1_000]])).toBe(2 * 1_048_588 + 100)
})

it('a changelog has room for the records of a topic that is to get room itself', () => {
  const specs = [
    { name: 'retry', roomFor: { topics: ['a'], factor: 1, extra: 10 } },
    { name: 'changelog', roomFor: { topics: ['retry'], factor: 2, extra: 100 } },
  ]
  const sizes = withRoom(specs, new Map([['a', { ...used, maxMessageBytes: 5_000_000 }]]))
  expect(sizes.map(({ maxMessageBytes }) => maxMessageBytes)).toEqual([5_000_010, 10_000_120])
  expect(withRoom(specs, new Map(sizes.map(({ name, ...size }) => [name, { ...used, ...size }])))[1]).toMatchObject({
    maxMessageBytes: 10_000_120,
  })
})
