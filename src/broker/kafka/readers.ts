import type { MemberData } from './memberData.ts'

/** Members that read the same topics, by their ids and in the order of those. */
export type Readers = ReadonlyMap<string, MemberData>

/** Who has which partition numbers. */
export type Owners = ReadonlyMap<number, string>

/** The members that have a copy of a partition's state, the best first. */
export const withCopy = (readers: Readers, number: number): string[] =>
  [...readers]
    .filter(([, data]) => positionOf(data, number) >= 0)
    .toSorted(([, a], [, b]) => positionOf(b, number) - positionOf(a, number))
    .map(([id]) => id)

/** How far a member's copy of a partition's state has come; -1 where it has none. */
export const positionOf = ({ copies }: MemberData, number: number): number => copies?.get(number) ?? -1
