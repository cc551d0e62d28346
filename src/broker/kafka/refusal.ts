import { ProtocolError } from '@platformatic/kafka'
import { noOutput, OutputsRefused } from '../broker.ts'
import { halvesOf, type PartitionRecords } from './chunks.ts'
import { asBrokerError } from './failure.ts'
import type { PackedRecords } from './packedRecords.ts'
import type { ProducedPartition } from './protocol.ts'

const tooLarge = new Set([10, 18])
/** Refused for what single records are, which the broker names. */
const invalid = new Set([32, 87])

/** Whether it is for what is in the batch that it was not written. */
export const isRefusal = ({ errorCode, blamed }: ProducedPartition): boolean =>
  tooLarge.has(errorCode) || (invalid.has(errorCode) && blamed.length > 0)

/**
 * Finds the records that a topic refuses, a refused batch at a time: those that the broker names, or else by trying halves
 * of it down to single records. What is as large as something that was too large is not tried.
 */
export class Refusal {
  /** By what the records are known by. */
  readonly #reasons = new Map<number, string>()
  /** By topic, bytes of the smallest batch that was too large. */
  readonly #limits = new Map<string, number>()
  /** Partitions that have such records. */
  readonly #places = new Set<string>()
  /** What was said of the first that is refused for good. */
  #answer: ProducedPartition | undefined

  /** The answer that a batch of so many bytes would get, where that is certain. */
  foresee({ topic, partition }: PartitionRecords, bytes: number): ProducedPartition | undefined {
    if (bytes < (this.#limits.get(topic) ?? Infinity)) return undefined
    return { topic, partition, errorCode: 10, baseOffset: -1, message: null, blamed: [] }
  }

  /** Whether a record of that partition is refused. */
  isIn({ topic, partition }: PartitionRecords): boolean {
    return this.#places.has(`${topic}/${partition}`)
  }

  /** A chunk that was so many bytes was refused. @returns what is left of it to be tried */
  sift(chunk: PartitionRecords, bytes: number, answer: ProducedPartition): PartitionRecords[] {
    const { records, topic } = chunk
    if (tooLarge.has(answer.errorCode)) {
      this.#limits.set(topic, Math.min(bytes, this.#limits.get(topic) ?? Infinity))
      if (records.length > 1) return halvesOf(chunk)
      this.#note(answer)
      this.#blame(records, 0, `it is too large for the topic ${topic}; its max.message.bytes decides`)
      return []
    }
    this.#note(answer)
    const named = new Map(answer.blamed.map(({ at, message }) => [at, message]))
    for (const [at, message] of named) this.#blame(records, at, `the topic ${topic} says: ${message}`)
    const others = Array.from({ length: records.length }, (_, at) => at).filter((at) => !named.has(at))
    return others.length > 0 ? [{ ...chunk, records: records.only(others) }] : []
  }

  /** What is known by nothing is a change of state. */
  #blame(records: PackedRecords, at: number, reason: string): void {
    this.#reasons.set(records.placeAt(at) ?? noOutput, reason)
  }

  #note(answer: ProducedPartition): void {
    this.#answer ??= answer
    this.#places.add(`${answer.topic}/${answer.partition}`)
  }

  /** @throws OutputsRefused when records were refused */
  end(): void {
    if (!this.#answer) return
    const { topic, partition, errorCode, message } = this.#answer
    const { message: text, cause } = asBrokerError(
      new ProtocolError(errorCode, message),
      `${topic}, partition ${partition}`,
    )
    throw new OutputsRefused(text, this.#reasons, { cause })
  }
}
