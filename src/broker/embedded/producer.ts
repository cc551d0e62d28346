import { BrokerError } from '../broker.ts'
import type { OutputRecord } from '../../record/record.ts'
import { partitionOf } from '../partition.ts'
import { encodeBatches, type EncodedBatch } from './batch.ts'
import type { Log, Topic } from './log.ts'

/** Records of one partition, ready to be written. */
export interface Append {
  readonly topic: string
  readonly partition: number
  readonly batches: readonly EncodedBatch[]
}

/** Sorts the records of a unit into partitions, each into the one that it names or that its key decides. */
export interface Producer {
  /** @throws BrokerError naming the record that cannot be written */
  pack(outputs: readonly OutputRecord[]): Append[]
}

/** The records that one unit adds to a topic. */
interface Pending {
  readonly name: string
  readonly partitions: OutputRecord[][]
  /** Where the unit's records without a key go. */
  readonly sticky: number
}

/** A topic that does not exist has one partition, and is created when it is appended to. */
export function createProducer(log: Log): Producer {
  /** Units so far per topic: records without a key stick to one partition for a unit, and to the next one in the next. */
  const turns = new Map<string, number>()

  const open = (name: string): Pending => {
    const count = log.find(name)?.partitions.length ?? 1
    const turn = turns.get(name) ?? 0
    turns.set(name, turn + 1)
    return { name, partitions: Array.from({ length: count }, () => []), sticky: turn % count }
  }

  return {
    pack: (outputs) => {
      const pending = new Map<string, Pending>()
      for (const output of outputs) {
        let entry = pending.get(output.topic)
        if (!entry) pending.set(output.topic, (entry = open(output.topic)))
        entry.partitions[choose(output, entry)]!.push(output)
      }
      return [...pending.values()].flatMap(({ name, partitions }) =>
        partitions.flatMap((records, partition) =>
          records.length > 0 ? [{ topic: name, partition, batches: [...encodeBatches(records)] }] : [],
        ),
      )
    },
  }
}

/** The topic to append to, created with one partition if it is missing; to be called inside a transaction. */
export const openTopic = (log: Log, name: string): Topic => log.find(name) ?? log.create(name, 1)

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
