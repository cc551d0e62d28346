import type { TopicPartition } from '../broker.ts'

/** A partition, without what else is known of it. */
export const place = ({ topic, partition }: TopicPartition): TopicPartition => ({ topic, partition })

export const isSame = (a: TopicPartition, b: TopicPartition): boolean =>
  a.topic === b.topic && a.partition === b.partition

export const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`
