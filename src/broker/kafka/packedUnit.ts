import type { OutputRecord } from '../../record/record.ts'
import { BrokerError, globalTask, type Unit } from '../broker.ts'
import { partitionOf } from '../partition.ts'
import { checkTopicName } from '../topicName.ts'
import { PackedChanges } from './changeRecord.ts'
import type { PartitionRecords } from './chunks.ts'
import { Abandoned } from './failure.ts'
import type { Network } from './network.ts'
import { PackedRecords } from './packedRecords.ts'

/** A unit as it waits to be written. */
export interface PackedUnit extends Pick<Unit, 'group' | 'task' | 'member' | 'offsets' | 'counts'> {
  /** Known by their places among the outputs. */
  readonly outputs: readonly PartitionRecords[]
  readonly state: PackedChanges
  readonly global: PackedChanges
}

/** Turns units into what is written of them. */
export class Packer {
  readonly #network: Network
  /** Units so far per topic: records without a key stick to one partition for a unit, and to the next one in the next. */
  readonly #turns = new Map<string, number>()

  constructor(network: Network) {
    this.#network = network
  }

  /**
   * At once where its topics are known: what else is run meanwhile makes objects as well, which would be in memory together.
   * @throws BrokerError for outputs that cannot be written anywhere
   */
  async pack(unit: Unit): Promise<PackedUnit> {
    const { group, task, member, offsets, counts, outputs, state, global = [] } = unit
    const topics = new Set(outputs.map((output) => output.topic))
    for (const topic of topics) checkTopicName(topic)
    checkTimestamps(outputs)
    const counted = new Map<string, number>()
    for (const topic of topics)
      counted.set(topic, this.#network.knownLeaders(topic)?.length ?? (await this.partitionsOf(topic)))
    const now = Date.now()
    return {
      group,
      task,
      ...(member && { member }),
      offsets,
      counts,
      outputs: [...counted].flatMap(([topic, count]) => this.#byPartition(topic, count, outputs)),
      state: new PackedChanges(task, state, now),
      global: new PackedChanges(globalTask, global, now),
    }
  }

  /** @throws Abandoned when there is no such topic */
  async partitionsOf(topic: string): Promise<number> {
    const leaders = await this.#network.persist(`The topic ${topic} cannot be found`, () =>
      this.#network.leaders(topic),
    )
    if (leaders) return leaders.length
    throw new Abandoned(
      `There is no topic ${topic} to write to. Create it (\`oxbow topics FILE --apply\`); a pipeline that runs goes on by itself then.`,
    )
  }

  #byPartition(topic: string, count: number, outputs: readonly OutputRecord[]): PartitionRecords[] {
    const turn = this.#turns.get(topic) ?? 0
    this.#turns.set(topic, turn + 1)
    const partitions: number[][] = Array.from({ length: count }, () => [])
    outputs.forEach((record, place) => {
      if (record.topic === topic) partitions[choose(record, count, turn % count)]!.push(place)
    })
    return partitions.flatMap((places, partition) => {
      if (places.length === 0) return []
      const own = places.map((place) => outputs[place]!)
      return [{ topic, partition, records: PackedRecords.of(own, places) }]
    })
  }
}

function choose({ topic, partition, key }: OutputRecord, count: number, sticky: number): number {
  if (partition === undefined) return key === null ? sticky : partitionOf(key, count)
  if (Number.isInteger(partition) && partition >= 0 && partition < count) return partition
  throw new Abandoned(`A record names partition ${partition} of ${topic}, which has ${count}, counted from 0.`)
}

/** The last moment that a Date can hold. */
const maxTimestamp = 8.64e15

function checkTimestamps(outputs: readonly OutputRecord[]): void {
  for (const { topic, timestamp } of outputs) {
    if (Number.isInteger(timestamp) && timestamp >= 0 && timestamp <= maxTimestamp) continue
    throw new BrokerError(
      `A record for ${topic} has the timestamp ${timestamp}: it must be whole milliseconds since 1970.`,
    )
  }
}
