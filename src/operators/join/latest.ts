import type { OperatorContext } from '../../component/context.ts'
import { groupOf } from '../../component/group.ts'
import { KeylessFault } from '../../component/keyless.ts'
import type { Step } from '../../component/operator.ts'
import { absorb, drop, emit } from '../../record/outcome.ts'
import type { Record } from '../../record/record.ts'
import { bothOf, combineUnder, leavesAlone, otherOf, type Combine, type JoinType, type Side } from './combine.ts'
import { keylessMessage } from './keyless.ts'

export interface LatestConfig {
  readonly kind: 'latest'
  readonly stream: string
  readonly type: JoinType
  readonly as: string
  readonly keyless: 'deadLetter' | 'drop'
}

/** The last value of a key on one side, and its record's timestamp; null where there is none, or a tombstone came. */
type Last = readonly [value: unknown, timestamp: number] | null
type Row = { readonly [side in Side]: Last }

const nothing: Row = { left: null, right: null }

/**
 * Joins two streams as tables: each record with the last one of its key on the other side. A tombstone removes what its
 * side had, and leaves as a tombstone where there is nothing to be told any more.
 */
export function latest({ type, as, keyless }: LatestConfig, { state }: OperatorContext): Step {
  const combine = combineUnder(as)

  const take = (side: Side) => (record: Record) => {
    if (record.key === null) {
      if (keyless === 'drop') return drop(record, 'no key')
      throw new KeylessFault(keylessMessage)
    }
    const own: Last = record.value === null || record.value === undefined ? null : [record.value, record.timestamp]
    if (own) combine.check(side, record.value)

    const entry = `k${groupOf(record.key)}`
    const before = (state.get(entry) as Row | undefined) ?? nothing
    const other = before[otherOf(side)]
    if (own || other) state.set(entry, { ...before, [side]: own })
    else state.delete(entry)

    if (!tells(type, side, { own, other, before: before[side] })) return absorb(record)
    const timestamp = Math.max(record.timestamp, other?.[1] ?? 0)
    return emit(record, { ...record, value: valueOf(combine, type, side, own, other), timestamp })
  }

  return { left: take('left'), right: take('right') }
}

/** Whether there is something to be told: a result, or that there is none any more. */
function tells(type: JoinType, side: Side, { own, other, before }: { own: Last; other: Last; before: Last }): boolean {
  if (other) return true
  return leavesAlone(type, side) && (own !== null || before !== null)
}

function valueOf(combine: Combine, type: JoinType, side: Side, own: Last, other: Last): unknown {
  if (own && other) return bothOf(combine, side, own[0], other[0])
  if (own) return combine.alone(side, own[0])
  return other && leavesAlone(type, otherOf(side)) ? combine.alone(otherOf(side), other[0]) : null
}
