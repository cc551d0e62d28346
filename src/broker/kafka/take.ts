import type { Batch } from '../broker.ts'
import type { AssignedPartition } from './assigned.ts'

/**
 * So many records at most, shared by the partitions that have some; the turn decides who comes first.
 * @param failed called with a partition whose bytes are no records; what the others give is returned all the same
 */
export function takeFrom(
  partitions: readonly AssignedPartition[],
  maxRecords: number,
  turn: number,
  failed: (own: AssignedPartition, thrown: Error) => void,
): Batch[] {
  const ready = partitions.filter(({ ready }) => ready)
  const batches: Batch[] = []
  let room = maxRecords
  for (const [index, own] of rotate(ready, turn).entries()) {
    const share = Math.ceil(room / (ready.length - index))
    if (share === 0) break
    try {
      const batch = own.take(share)
      batches.push(batch)
      room -= batch.records.length
    } catch (thrown) {
      failed(own, thrown as Error)
    }
  }
  return batches
}

/** The same items, beginning elsewhere each turn, so that none is always last. */
function rotate<T>(items: readonly T[], turn: number): readonly T[] {
  const first = items.length > 0 ? turn % items.length : 0
  return [...items.slice(first), ...items.slice(0, first)]
}
