import type { Bounds, Broker } from '../broker/broker.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import type { RawRecord } from '../record/record.ts'

/**
 * The records of letters that share groups gave up, from where they lie: Kafka copies neither their headers nor their time, and key and
 * value only where the group says so.
 */
export class Originals {
  readonly #broker: Broker
  readonly #bounds = new Map<string, Promise<readonly Bounds[]>>()

  constructor(broker: Broker) {
    this.#broker = broker
  }

  /** The letter with its record whole; as it is where others wrote it, or where the topic has that record no more. */
  async of(letter: Letter): Promise<Letter> {
    const { convention, origin, missing } = letter
    if (convention !== 'shareGroup' || !(await this.#isThere(letter))) return letter
    const [found] = (await this.#broker.read(origin, 1)).records
    if (found?.offset !== origin.offset || !isOf(letter, found)) return letter
    const { key, value, headers, timestamp } = found
    return {
      ...letter,
      origin: { ...origin, timestamp },
      record: { key, value, headers, timestamp },
      missing: missing.filter((name) => name !== 'record' && name !== 'origin.timestamp'),
    }
  }

  async #isThere({ missing, origin: { topic, partition, offset } }: Letter): Promise<boolean> {
    if (['origin.topic', 'origin.partition', 'origin.offset'].some((name) => missing.includes(name))) return false
    const bounds = this.#bounds.get(topic) ?? this.#broker.bounds([topic])
    this.#bounds.set(topic, bounds)
    return (await bounds).some((each) => each.partition === partition && each.start <= offset && offset < each.end)
  }
}

/** A topic that was made anew has another record there. */
const isOf = ({ record, missing }: Letter, { key, value }: RawRecord): boolean =>
  missing.includes('record') || (areSame(record.key, key) && areSame(record.value, value))

const areSame = (one: Buffer | null, other: Buffer | null): boolean =>
  one === null || other === null ? one === other : one.equals(other)

/** Why a letter cannot go back that does not hold its record. */
export const withoutRecord = ({ origin: { topic, partition, offset } }: Letter): string =>
  `the letter has no record: its share group copies none (\`errors.deadletterqueue.copy.record.enable\`), and ${topic}/${partition}/${offset} is gone`
