import { withFieldOf, withoutFieldOf } from '../../record/change.ts'

/** The two sides of a join: the records of its own stream, and those of the other. */
export type Side = 'left' | 'right'

export const otherOf = (side: Side): Side => (side === 'left' ? 'right' : 'left')

/** Which records leave also where they met none. */
export type JoinType = 'inner' | 'left' | 'outer'

/** Whether a record of a side leaves alone where it met none. */
export const leavesAlone = (type: JoinType, side: Side): boolean =>
  type === 'outer' || (type === 'left' && side === 'left')

/** How values of two sides become one: the right one's goes under a field of the left one's. */
export interface Combine {
  /** @throws UnplaceableFieldFault where the left value has no fields */
  both(left: unknown, right: unknown): unknown
  /** A value of one side alone; of the right one, an object with the one field. */
  alone(side: Side, value: unknown): unknown
  /** @throws UnplaceableFieldFault where a value of this side could never be combined */
  check(side: Side, value: unknown): void
}

/** @param as the path of the field */
export const combineUnder = (as: string): Combine => ({
  both: (left, right) => withFieldOf(left, as, right),
  alone: (side, value) => (side === 'left' ? withoutFieldOf(value, as) : withFieldOf(undefined, as, value)),
  check(side, value) {
    if (side === 'left') withFieldOf(value, as, null)
  },
})

/** The values of a record of one side and of one of the other, as left and right. */
export const bothOf = (combine: Combine, side: Side, own: unknown, other: unknown): unknown =>
  side === 'left' ? combine.both(own, other) : combine.both(other, own)
