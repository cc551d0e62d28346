import type { Batch, Position, TopicPartition } from '../broker/broker.ts'
import type { StoredRecord } from '../record/record.ts'

/** What a task takes for one unit. */
export interface Intake {
  /** In the order in which they are taken, and out of which they are then. */
  readonly records: StoredRecord[]
  /** How far each of their partitions is passed by that. */
  readonly passed: readonly Omit<Batch, 'records'>[]
}

/** The batch of an input, of which so many records were taken. */
interface Waiting {
  readonly batch: Batch
  taken: number
  /** Of the record that comes next. */
  timestamp: number
}

/**
 * Batches of a task's inputs, one of each at most, whose records are taken in the order of time: as in Kafka Streams, the
 * records of one partition keep their order, and of those that come next in each the one with the lowest timestamp is first.
 */
export class PartitionGroup {
  readonly #inputs: readonly TopicPartition[]
  readonly #timestampOf: (record: StoredRecord) => number
  readonly #received = new Map<string, Position>()
  readonly #waiting = new Map<string, Waiting>()

  /**
   * @param inputs of equal timestamps, the one of an earlier input is first
   * @param committed where each goes on, where that is known
   */
  constructor(
    inputs: readonly TopicPartition[],
    committed: (input: TopicPartition) => bigint | undefined,
    timestampOf: (record: StoredRecord) => number,
  ) {
    this.#inputs = inputs
    this.#timestampOf = timestampOf
    for (const input of inputs) {
      const offset = committed(input)
      if (offset !== undefined) this.#received.set(input.topic, { ...input, offset })
    }
  }

  /** Where the inputs go on after what came of them; those that are known. */
  get received(): readonly Position[] {
    return [...this.#received.values()]
  }

  /** Whether records wait. */
  get any(): boolean {
    return this.#waiting.size > 0
  }

  /** The topics of the inputs of which none waits. */
  get missing(): readonly string[] {
    return this.#inputs.flatMap(({ topic }) => (this.#waiting.has(topic) ? [] : [topic]))
  }

  add(batch: Batch): void {
    const { topic, partition } = batch
    this.#received.set(topic, { topic, partition, offset: batch.next })
    const [next] = batch.records
    if (next) this.#waiting.set(topic, { batch, taken: 0, timestamp: this.#timestampOf(next) })
  }

  /** Takes records until one of the inputs has none left: what comes next of it may be earlier than what waits of the others. */
  take(): Intake {
    const queues = this.#inputs.flatMap(({ topic }) => this.#waiting.get(topic) ?? [])
    const before = queues.map(({ taken }) => taken)
    const records: StoredRecord[] = []
    let first: Waiting
    let next: StoredRecord | undefined
    do {
      first = earliest(queues)
      records.push(first.batch.records[first.taken]!)
      next = first.batch.records[++first.taken]
      if (next) first.timestamp = this.#timestampOf(next)
    } while (next)
    this.#waiting.delete(first.batch.topic)
    const passed = queues.flatMap((queue, at) => (queue.taken > before[at]! ? [passedOf(queue, before[at]!)] : []))
    return { records, passed }
  }
}

function earliest(queues: readonly Waiting[]): Waiting {
  let first = queues[0]!
  for (const queue of queues) if (queue.timestamp < first.timestamp) first = queue
  return first
}

/** What was deleted before it is told with the first records that are taken of it. */
function passedOf({ batch, taken }: Waiting, before: number): Intake['passed'][number] {
  const { records, expired, ...all } = batch
  const isWhole = taken === records.length
  return {
    ...all,
    ...(!isWhole && { next: records[taken - 1]!.offset + 1n }),
    ...(expired !== undefined && before === 0 && { expired }),
  }
}
