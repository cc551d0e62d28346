import { setImmediate } from 'node:timers/promises'
import type { StoredRecord } from '../../record/record.ts'
import { BrokerError, type TopicPartition } from '../broker.ts'
import type { Network } from './network.ts'
import { fetchFrom, type Fetched } from './reader.ts'

/** One answer, in bytes, is worked on while the next one comes; every partition that is restored has both in memory. */
const answerBytes = 4_194_304
const maxWait = 500
/** What is given at once, in records: others have their turn between. */
const atOnce = 10_000

/**
 * What is committed between two offsets of a compacted topic, in parts.
 * @throws BrokerError when it cannot be read
 */
export async function* readTo(
  network: Network,
  place: TopicPartition,
  from: number,
  end: number,
): AsyncGenerator<{ readonly records: readonly StoredRecord[]; readonly next: number }> {
  for await (const fetched of fetchTo(network, place, from, end)) {
    for (const records of partsOf(fetched)) {
      yield { records, next: Number(records.at(-1)!.offset) + 1 }
      await setImmediate()
    }
    yield { records: [], next: fetched.next }
  }
}

/** The same, not decoded; the next answer is fetched while one is worked on. @param bytes of an answer, about */
export async function* fetchTo(
  network: Network,
  place: TopicPartition,
  from: number,
  end: number,
  bytes = answerBytes,
): AsyncGenerator<Fetched> {
  let ahead = from < end ? fetchNext(network, place, from, bytes) : undefined
  while (ahead) {
    const fetched: Fetched = await ahead
    ahead = fetched.next < end ? fetchNext(network, place, fetched.next, bytes) : undefined
    ahead?.catch(() => {}) // It is awaited after what there is.
    yield fetched
  }
}

/** So many records at once, decoded when they are wanted. */
function* partsOf({ batches }: Fetched): Generator<readonly StoredRecord[]> {
  let part: StoredRecord[] = []
  for (const batch of batches) {
    for (const record of batch.records()) {
      part.push(record)
      if (part.length < atOnce) continue
      yield part
      part = []
    }
  }
  if (part.length > 0) yield part
}

/** What is committed from an offset on; it waits a moment for some. @throws BrokerError when it cannot be read */
export function fetchNext(
  network: Network,
  { topic, partition }: TopicPartition,
  offset: number,
  bytes = answerBytes,
): Promise<Fetched> {
  const limits = { maxWait, maxBytes: bytes, partitionBytes: bytes }
  return network.persist(`${topic}, partition ${partition}, cannot be read`, async () => {
    const leader = (await network.leaders(topic))?.[partition]
    if (leader === undefined) throw new BrokerError(`${topic} has no partition ${partition} any more.`)
    return (await fetchFrom(network, leader, [{ topic, partition, offset }], limits))[0]!
  })
}
