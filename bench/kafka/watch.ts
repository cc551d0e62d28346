import { setTimeout } from 'node:timers/promises'
import { Network } from '../../src/broker/kafka/network.ts'
import { platformatic } from '../../src/broker/kafka/platformatic/client.ts'
import { fetchFrom } from '../../src/broker/kafka/reader.ts'
import { kafkaSettings } from '../../src/topology/kafkaConfig.ts'

const every = 50
const limits = { maxWait: 0, maxBytes: 50_331_648, partitionBytes: 12_582_912 }

export interface Watched {
  /** When the first outcomes could be read, in milliseconds of performance.now(), and how many there were then. */
  readonly first: { readonly at: number; readonly count: number }
  readonly last: number
}

/**
 * Looks from outside for committed records of topics, until there are as many as expected.
 * @param partitions of each of the topics
 */
export async function watch(
  kafka: string,
  {
    topics,
    partitions,
    expected,
    signal,
  }: { topics: string[]; partitions: number; expected: number; signal: AbortSignal },
): Promise<Watched> {
  let first: Watched['first'] | undefined
  for await (const count of counts(kafka, topics, partitions)) {
    signal.throwIfAborted()
    if (count > 0) first ??= { at: performance.now(), count }
    if (count >= expected) return { first: first!, last: performance.now() }
    await setTimeout(every)
  }
  throw new Error('The looks ended before all outcomes were there.')
}

/** How many committed records a topic holds that nobody writes to. */
export async function recordsIn(kafka: string, topic: string, partitions: number): Promise<number> {
  let before: number | undefined
  for await (const count of counts(kafka, [topic], partitions)) {
    if (count === before) break
    before = count
  }
  return before!
}

/**
 * The committed records of topics so far, look by look, without end. It counts by the heads of their batches, which costs
 * next to nothing.
 */
async function* counts(kafka: string, topics: readonly string[], partitions: number): AsyncGenerator<number> {
  const settings = kafkaSettings({ brokers: [kafka] }, '.')
  const network = new Network(settings, platformatic.connect(settings, 'bench'))
  const positions = topics.flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })),
  )
  const look = async () => {
    const [leaders] = await Promise.all(topics.map((topic) => network.leaders(topic)))
    return fetchFrom(network, leaders![0]!, positions, limits)
  }
  try {
    for (let count = 0; ;) {
      for (const { topic, partition, batches, next } of await network.persist('The outcomes cannot be read', look)) {
        for (const batch of batches) count += batch.count
        positions.find((each) => each.topic === topic && each.partition === partition)!.offset = next
      }
      yield count
    }
  } finally {
    await network.close()
  }
}
