import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assign, standbysIn, type Reader } from '../../../src/broker/kafka/assignment.ts'
import type { TopicPartition } from '../../../src/broker/broker.ts'
import type { MemberData } from '../../../src/broker/kafka/memberData.ts'

const changelog = 'g-changelog'
const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

/** What each member was given: partition numbers, and those that it keeps copies of. */
type Given = ReadonlyMap<string, { readonly owned: readonly number[]; readonly standbys: readonly number[] }>

function given(members: ReadonlyMap<string, MemberData>, counts: ReadonlyMap<string, number>, standbyReplicas = 1) {
  const readers = new Map(
    [...members].map(([id, data]): [string, Reader] => [id, { topics: [...counts.keys(), changelog], data }]),
  )
  const assigned = assign({ members: readers, counts, changelog, standbyReplicas })
  const owned = (places: readonly TopicPartition[]) =>
    new Set(places.filter(({ topic }) => topic !== changelog).map(({ partition }) => partition))
  const found: Given = new Map(
    [...assigned].map(([id, places]) => [
      id,
      {
        owned: [...owned(places)].toSorted((a, b) => a - b),
        standbys: standbysIn(places, changelog).toSorted((a, b) => a - b),
      },
    ]),
  )
  return { found, assigned }
}

const one = (count: number) => new Map([['t', count]])
const spread = (sizes: readonly number[]): number => Math.max(...sizes) - Math.min(...sizes)

/** As the members of an assignment join again; standby copies are a little behind. */
const after = (before: Given): Map<string, MemberData> =>
  new Map(
    [...before].map(([id, { owned, standbys }]) => [
      id,
      {
        owned,
        copies: new Map([
          ...owned.map((number): [number, number] => [number, 100]),
          ...standbys.map((number): [number, number] => [number, 90]),
        ]),
      },
    ]),
  )

const fresh = (size: number): Map<string, MemberData> => new Map(range(size).map((at) => [`m${at}`, {}]))

/** Members that claim anything, as after any history. */
const anyMembers = fc
  .array(
    fc.record({
      owned: fc.uniqueArray(fc.nat(14), { maxLength: 8 }),
      copies: fc.array(fc.tuple(fc.nat(14), fc.nat(100)), { maxLength: 8 }).map((copies) => new Map(copies)),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((all) => new Map(all.map((data, at): [string, MemberData] => [`m${at}`, data])))

describe('partitions', () => {
  it('have one member each, of all topics the same, as many to each member, whatever they claim', () => {
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 1, max: 15 }), fc.integer({ min: 1, max: 15 }), (members, a, b) => {
        const counts = new Map([
          ['a', a],
          ['b', b],
        ])
        const { assigned, found } = given(members, counts)
        for (const [topic, count] of counts) {
          const own = [...assigned.values()].map((all) => all.filter((each) => each.topic === topic))
          expect(own.flatMap((all) => all.map((each) => each.partition)).toSorted((x, y) => x - y)).toEqual(
            range(count),
          )
          expect(spread(own.map((all) => all.length))).toBeLessThanOrEqual(1)
        }
        const numbers = [...found.values()].flatMap(({ owned }) => owned)
        expect(numbers.length).toBe(Math.max(a, b))
        expect(spread([...found.values()].map(({ owned }) => owned.length))).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('move no more than they must to be even', () => {
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 1, max: 15 }), (members, count) => {
        const owners = new Map(
          range(count).flatMap((number) => {
            const claims = [...members].filter(([, { owned }]) => owned!.includes(number))
            return claims.length === 1 ? [[number, claims[0]![0]] as const] : []
          }),
        )
        // Of who has the better claim it is said elsewhere: here each number is claimed by one.
        fc.pre(range(count).every((number) => [...members].filter(([, own]) => own.owned!.includes(number)).length < 2))
        const { found } = given(members, one(count))
        const stayed = [...owners].filter(([number, id]) => found.get(id)!.owned.includes(number)).length
        const sizes = [...members.keys()].map((id) => [...owners.values()].filter((owner) => owner === id).length)
        const [least, more] = [Math.floor(count / members.size), count % members.size]
        const most = sizes.reduce((sum, size) => sum + Math.min(size, least), 0)
        expect(stayed).toBe(most + Math.min(more, sizes.filter((size) => size > least).length))
      }),
      { numRuns: 300 },
    )
  })

  it('stay where they are as long as nobody comes or goes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 15 }),
        fc.nat(2),
        (size, count, replicas) => {
          const first = given(fresh(size), one(count), replicas).found
          expect(given(after(first), one(count), replicas).found).toEqual(first)
        },
      ),
    )
  })

  it('of a member that goes fall to those with copies of their state', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 15 }), fc.nat(5), (size, count, who) => {
        const first = given(fresh(size), one(count)).found
        const members = after(first)
        const gone = `m${who % size}`
        members.delete(gone)
        const { found } = given(members, one(count))
        for (const [id, { owned }] of found) expect(owned).toEqual(expect.arrayContaining([...first.get(id)!.owned]))
        const lost = first.get(gone)!.owned
        for (const [id, { owned }] of found) {
          const taken = owned.filter((number) => lost.includes(number))
          const copied = first.get(id)!.standbys.filter((number) => lost.includes(number))
          const known = taken.filter((number) => copied.includes(number))
          expect(known.length).toBe(Math.min(taken.length, copied.length))
        }
      }),
    )
  })

  it('that two claim stay with the one whose state has come further', () => {
    const members = new Map<string, MemberData>([
      [
        'a',
        {
          owned: [0, 1],
          copies: new Map([
            [0, 5],
            [1, 9],
          ]),
        },
      ],
      [
        'b',
        {
          owned: [0, 1],
          copies: new Map([
            [0, 7],
            [1, 2],
          ]),
        },
      ],
    ])
    const { found } = given(members, one(2))
    expect([...found].map(([id, { owned }]) => [id, owned])).toEqual([
      ['a', [1]],
      ['b', [0]],
    ])
  })

  it('are given by a member of which nothing is known, too: one that says nothing', () => {
    const { found } = given(
      new Map([
        ['old', {}],
        ['new', { owned: [0, 1, 2, 3], copies: new Map() }],
      ]),
      one(4),
    )
    expect([...found.values()].map(({ owned }) => owned.length)).toEqual([2, 2])
  })
})

describe('standby copies', () => {
  it('are as many as asked for, none with the owner, as many to each member', () => {
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 1, max: 15 }), fc.nat(3), (members, count, replicas) => {
        const { found } = given(members, one(count), replicas)
        const copies = [...found.values()].flatMap(({ standbys }) => standbys)
        for (const number of range(count))
          expect(copies.filter((each) => each === number).length).toBe(Math.min(replicas, members.size - 1))
        for (const { owned, standbys } of found.values()) {
          expect(new Set(standbys).size).toBe(standbys.length)
          expect(standbys.filter((number) => owned.includes(number))).toEqual([])
        }
        if (replicas === 1)
          expect(spread([...found.values()].map(({ standbys }) => standbys.length))).toBeLessThanOrEqual(1)
      }),
      { numRuns: 300 },
    )
  })

  it('are never in the place of the owner, nor two in one place', () => {
    const places = fc.array(fc.constantFrom('p', 'q', 'r'), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 12 }), fc.nat(2), (all, count, replicas) => {
        const members = new Map(all.map((place, at): [string, MemberData] => [`m${at}`, { place }]))
        const { found } = given(members, one(count), replicas)
        for (const number of range(count)) {
          const holders = [...found].filter(([, own]) => own.owned.includes(number) || own.standbys.includes(number))
          const at = holders.map(([id]) => members.get(id)!.place)
          expect(new Set(at).size).toBe(at.length)
          expect(at.length).toBe(Math.min(replicas + 1, new Set(all).size))
        }
      }),
    )
  })
})
