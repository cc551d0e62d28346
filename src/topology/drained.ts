import type { Lag, Position } from '../broker/broker.ts'

/** Whether all that there is was given, and what was given is committed. */
export function isDrained(own: Lag, committed: readonly Position[]): boolean {
  const { topic, partition, position, start, end } = own
  const reached = committed.find((each) => each.topic === topic && each.partition === partition)?.offset ?? 0n
  return position >= end && (position === start || reached >= position)
}
