import type { Bounds, Broker } from '../broker/broker.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import type { RawRecord } from '../record/record.ts'
import { externalSources, type Plan } from '../topology/plan.ts'

/**
 * The topics where records of a pipeline's letters may be read: its sources, those that its queues name, and the one that they are to go
 * to. A letter can name any: whoever writes to a dead-letter topic would have others read by who sends letters back.
 * @param target the topic that they are to go to, if it is one
 */
export function originalTopics(plan: Plan, target?: string): ReadonlySet<string> {
  const named = externalSources(plan).flatMap(({ name, spec, config }) => [name, ...(spec.originals?.(config) ?? [])])
  return new Set(target === undefined ? named : [...named, target])
}

/**
 * The records of letters that share groups gave up, from where they lie: Kafka copies neither their headers nor their time, and key and
 * value only where the group says so.
 */
export class Originals {
  readonly #broker: Broker
  readonly #topics: ReadonlySet<string>
  readonly #bounds = new Map<string, Promise<readonly Bounds[]>>()

  /** @param topics where they may be read */
  constructor(broker: Broker, topics: ReadonlySet<string>) {
    this.#broker = broker
    this.#topics = topics
  }

  /** The letter with its record whole; as it is where others wrote it, or where its topic may not be read or has that record no more. */
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
    if (!this.#topics.has(topic)) return false
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

/** Why a letter cannot go back that does not hold its record. @param topics where records may be read */
export function withoutRecord(
  { topic: queue, origin: { topic }, missing }: Letter,
  topics: ReadonlySet<string>,
): string {
  const why = 'the letter has no record: its share group copies none (`errors.deadletterqueue.copy.record.enable`), and'
  if (missing.includes('origin.topic')) return `${why} it does not say where that was`
  if (topics.has(topic)) return `${why} ${topic} has it no more`
  return `${why} ${topic}, where it says that it was, is read only if the config says so: as a source, or in \`originals\` of the queue ${queue}; or send it there (\`--to ${topic}\`)`
}
