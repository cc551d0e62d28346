import { BrokerError } from '../broker.ts'
import type { OutputRecord } from '../../record/record.ts'
import { partitionOf } from '../partition.ts'
import type { Log, Topic } from './log.ts'

/** Appends the records of a unit, each to the partition that it names or that its key decides. */
export interface Producer {
  /** To be called inside a transaction. @throws BrokerError naming the record that cannot be written */
  append(outputs: readonly OutputRecord[]): void
}

/** The records that one unit adds to a topic. */
interface Pending {
  readonly topic: Topic
  readonly partitions: OutputRecord[][]
  /** Where the unit's records without a key go. */
  readonly sticky: number
}

/** Topics that do not exist are created with one partition. */
export function createProducer(log: Log): Producer {
  /** Units so far per topic: records without a key stick to one partition for a unit, and to the next one in the next. */
  const turns = new Map<string, number>()

  const open = (name: string): Pending => {
    const topic = log.find(name) ?? log.create(name, 1)
    const turn = turns.get(name) ?? 0
    turns.set(name, turn + 1)
    return { topic, partitions: topic.partitions.map(() => []), sticky: turn % topic.partitions.length }
  }

  return {
    append: (outputs) => {
      const pending = new Map<string, Pending>()
      for (const output of outputs) {
        let entry = pending.get(output.topic)
        if (!entry) pending.set(output.topic, (entry = open(output.topic)))
        entry.partitions[choose(output, entry)]!.push(output)
      }
      for (const { topic, partitions } of pending.values()) {
        for (const [partition, records] of partitions.entries()) {
          if (records.length > 0) log.append(topic, partition, records)
        }
      }
    },
  }
}

/** The last moment that a Date can hold. */
const maxTimestamp = 8.64e15

function choose({ topic, partition, key, timestamp }: OutputRecord, { partitions, sticky }: Pending): number {
  if (!Number.isInteger(timestamp) || timestamp < 0 || timestamp > maxTimestamp) {
    throw new BrokerError(
      `A record for ${topic} has the timestamp ${timestamp}: it must be whole milliseconds since 1970.`,
    )
  }
  if (partition === undefined) return key === null ? sticky : partitionOf(key, partitions.length)
  if (partitions[partition]) return partition
  throw new BrokerError(
    `A record names partition ${partition} of ${topic}, which has ${partitions.length}, counted from 0.`,
  )
}
