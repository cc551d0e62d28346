import { BrokerError, type Position } from '../broker.ts'
import type { Database } from './database.ts'
import type { Log, Topic } from './log.ts'

/** What the consumer groups have committed. */
export interface Offsets {
  /** To be called inside a transaction, after its records were appended. */
  commit(group: string, positions: readonly Position[]): void
  /** The committed offset; undefined where the group never committed. */
  of(group: string, topic: Topic, partition: number): number | undefined
  all(group: string): readonly Position[]
  /** To be called inside a transaction. */
  clear(group: string): void
}

export function openOffsets(database: Database, log: Log): Offsets {
  const set = database.prepare('INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?)')
  const get = database.prepare<{ next_offset: number }>(
    'SELECT next_offset FROM committed WHERE consumer_group = ? AND topic = ? AND partition = ?',
  )
  const clear = database.prepare('DELETE FROM committed WHERE consumer_group = ?')
  const all = database.prepare<{ name: string; partition: number; next_offset: number }>(
    `SELECT name, partition, next_offset FROM committed JOIN topic ON topic.id = committed.topic
     WHERE consumer_group = ? ORDER BY name, partition`,
  )

  return {
    clear: (group) => void clear.run(group),
    commit: (group, positions) => {
      for (const position of positions) {
        const topic = log.get(position.topic)
        check(position, topic)
        set.run(group, topic.id, position.partition, position.offset)
      }
    },
    of: (group, topic, partition) => get.get(group, topic.id, partition)?.next_offset,
    all: (group) =>
      all.all(group).map(({ name, partition, next_offset }) => ({
        topic: name,
        partition,
        offset: BigInt(next_offset),
      })),
  }
}

/** An offset past the end would pass over records that are still to come. */
function check({ partition, offset }: Position, topic: Topic): void {
  const end = endsOf(topic, partition).end
  if (offset >= 0n && offset <= BigInt(end)) return
  throw new BrokerError(
    `Offset ${offset} cannot be committed for ${topic.name}/${partition}: give one from 0 to its end, ${end}.`,
  )
}

/** @throws BrokerError when the topic has no such partition */
export function endsOf(topic: Topic, partition: number) {
  const ends = topic.partitions[partition]
  if (ends) return ends
  throw new BrokerError(
    `Topic ${topic.name} has no partition ${partition}: it has ${topic.partitions.length}, counted from 0.`,
  )
}
