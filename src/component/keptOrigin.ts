import type { Origin } from '../record/record.ts'

/** An origin in an operator's state. The offset is text, for it may be beyond a number. */
export type KeptOrigin = readonly [source: string, topic: string, partition: number, offset: string, timestamp: number]

export const keptOrigin = ({ source, topic, partition, offset, timestamp }: Origin): KeptOrigin => [
  source,
  topic,
  partition,
  String(offset),
  timestamp,
]

export const originOf = ([source, topic, partition, offset, timestamp]: KeptOrigin): Origin => ({
  source,
  topic,
  partition,
  offset: BigInt(offset),
  timestamp,
})
