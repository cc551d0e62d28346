import type { GroupMember, TopicPartition } from '../broker.ts'
import type { Term } from './client.ts'
import type { MemberData } from './memberData.ts'
import { positionOf, withCopy, type Owners, type Readers } from './readers.ts'
import { shareStandbys } from './standbyAssignment.ts'

/** How long a rebalance waits for its members, in milliseconds. */
export const rebalanceTimeout = 30_000
/** Between attempts to come back to a group, in milliseconds. */
export const rejoinPause = 1_000

/** A member as the one knows it that assigns partitions. */
export interface Reader {
  readonly topics: readonly string[]
  readonly data: MemberData
}

export interface AssignmentParts {
  /** By their ids. */
  readonly members: ReadonlyMap<string, Reader>
  /** Partitions of each topic. */
  readonly counts: ReadonlyMap<string, number>
  /** The topic whose partitions stand for the copies of state that members keep of what others have. */
  readonly changelog: string
  /** Copies of each partition's state. */
  readonly standbyReplicas: number
}

/**
 * Partition p of every topic goes to the same member, which has the state of partition p too: as many to each as to any
 * other, give or take one, and as far as that allows to whoever had it, or else has a copy of its state.
 */
export function assign({
  members,
  counts,
  changelog,
  standbyReplicas,
}: AssignmentParts): Map<string, TopicPartition[]> {
  const ids = [...members.keys()].toSorted()
  const assignments = new Map(ids.map((id): [string, TopicPartition[]] => [id, []]))
  const readersOf = (topic: string) => ids.filter((id) => members.get(id)!.topics.includes(topic))
  for (const topics of Map.groupBy(counts.keys(), (topic) => readersOf(topic).join()).values()) {
    const readers = new Map(readersOf(topics[0]!).map((id) => [id, members.get(id)!.data]))
    if (readers.size === 0) continue
    const owners = share(
      readers,
      topics.map((topic) => counts.get(topic)!),
    )
    for (const topic of topics)
      for (let partition = 0; partition < counts.get(topic)!; partition++)
        assignments.get(owners.get(partition)!)!.push({ topic, partition })
    for (const [id, partitions] of shareStandbys(readers, owners, standbyReplicas))
      assignments.get(id)!.push(...partitions.map((partition) => ({ topic: changelog, partition })))
  }
  return assignments
}

/** What an assignment gives to a member. */
export function termOf(
  member: GroupMember,
  assigned: readonly TopicPartition[],
  { topics, changelog }: { readonly topics: readonly string[]; readonly changelog: string },
): Term {
  const partitions = assigned.filter(({ topic }) => topics.includes(topic))
  return { member, partitions, standbys: standbysIn(assigned, changelog) }
}

/** The copies that an assignment asks for; an only member is given all there is by one of the clients. */
export function standbysIn(assigned: readonly TopicPartition[], changelog: string): number[] {
  const own = new Set(assigned.flatMap(({ topic, partition }) => (topic === changelog ? [] : [partition])))
  return assigned.flatMap(({ topic, partition }) => (topic === changelog && !own.has(partition) ? [partition] : []))
}

/** @param counts partitions of the topics: the numbers that the same topics have are shared evenly, too */
function share(readers: Readers, counts: readonly number[]): Owners {
  const owners = new Map<number, string>()
  const load = new Map([...readers.keys()].map((id) => [id, 0]))
  let from = 0
  for (const to of [...new Set(counts)].toSorted((a, b) => a - b)) {
    const numbers = Array.from({ length: to - from }, (_, at) => from + at)
    const former = formerOwners(readers, numbers)
    const room = roomFor(numbers, former, load)
    keep(readers, numbers, former, room, owners)
    for (const number of numbers) {
      const id = owners.get(number)
      if (id !== undefined) load.set(id, load.get(id)! + 1)
    }
    hand(readers, numbers, room, owners, load)
    from = to
  }
  return owners
}

/** Of two that claim a number, the one that has come further: the other's claim is of an earlier term. */
function formerOwners(readers: Readers, numbers: readonly number[]): Owners {
  const former = new Map<number, string>()
  for (const number of numbers) {
    const claims = [...readers].filter(([, { owned }]) => owned?.includes(number))
    const [last] = claims.toSorted(([, a], [, b]) => positionOf(b, number) - positionOf(a, number))
    if (last) former.set(number, last[0])
  }
  return former
}

/** How many of the numbers each gets: those with less before come first, then those that have more than that now. */
function roomFor(
  numbers: readonly number[],
  former: ReadonlyMap<number, string>,
  load: ReadonlyMap<string, number>,
): Map<string, number> {
  const least = Math.floor(numbers.length / load.size)
  const claims = Map.groupBy(former.values(), (id) => id)
  const wantsMore = (id: string) => Number((claims.get(id)?.length ?? 0) > least)
  const byNeed = [...load].toSorted(([a, before], [b, other]) => before - other || wantsMore(b) - wantsMore(a))
  const more = numbers.length % load.size
  return new Map(byNeed.map(([id], at) => [id, least + (at < more ? 1 : 0)]))
}

/** Who had a number keeps it while there is room; what others could go on with from a copy is given up first. */
function keep(
  readers: Readers,
  numbers: readonly number[],
  former: ReadonlyMap<number, string>,
  room: Map<string, number>,
  owners: Map<number, string>,
): void {
  const isCopied = (number: number) =>
    [...readers].some(([id, data]) => id !== former.get(number) && positionOf(data, number) >= 0)
  for (const number of numbers.toSorted((a, b) => Number(isCopied(a)) - Number(isCopied(b)) || a - b)) {
    const id = former.get(number)
    if (id !== undefined) take(number, id, room, owners)
  }
}

/** The others go to whoever has the best copy, then to whoever has most room. */
function hand(
  readers: Readers,
  numbers: readonly number[],
  room: Map<string, number>,
  owners: Map<number, string>,
  load: Map<string, number>,
): void {
  const give = (number: number, candidates: readonly string[]) => {
    const id = candidates.find((each) => take(number, each, room, owners))
    if (id !== undefined) load.set(id, load.get(id)! + 1)
  }
  const left = () => numbers.filter((number) => !owners.has(number))
  for (const number of left()) give(number, withCopy(readers, number))
  for (const number of left())
    give(
      number,
      [...room.keys()].toSorted((a, b) => room.get(b)! - room.get(a)! || (a < b ? -1 : 1)),
    )
}

function take(number: number, id: string, room: Map<string, number>, owners: Map<number, string>): boolean {
  const left = room.get(id)!
  if (left === 0) return false
  room.set(id, left - 1)
  owners.set(number, id)
  return true
}
