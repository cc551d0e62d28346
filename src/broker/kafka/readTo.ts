import { setImmediate } from 'node:timers/promises'
import type { StoredRecord } from '../../record/record.ts'
import { BrokerError, type TopicPartition } from '../broker.ts'
import type { Network } from './network.ts'
import { fetchFrom, recordsOf, type Fetched } from './reader.ts'

const limits = { maxWait: 500, maxBytes: 16_777_216, partitionBytes: 16_777_216 }
/** What is given at once, in records: others have their turn between. */
const atOnce = 20_000

/**
 * What is committed between two offsets of a compacted topic, in parts; the next one is fetched while one is worked on.
 * @throws BrokerError when it cannot be read
 */
export async function* readTo(
  network: Network,
  place: TopicPartition,
  from: number,
  end: number,
): AsyncGenerator<{ readonly records: readonly StoredRecord[]; readonly next: number }> {
  let ahead = from < end ? fetchNext(network, place, from) : undefined
  while (ahead) {
    const fetched: Fetched = await ahead
    ahead = fetched.next < end ? fetchNext(network, place, fetched.next) : undefined
    ahead?.catch(() => {}) // It is awaited after what there is.
    const records = recordsOf(fetched)
    for (let at = 0; at < records.length; at += atOnce) {
      const part = records.slice(at, at + atOnce)
      yield { records: part, next: Number(part.at(-1)!.offset) + 1 }
      await setImmediate()
    }
    yield { records: [], next: fetched.next }
  }
}

/** What is committed from an offset on; it waits a moment for some. @throws BrokerError when it cannot be read */
export function fetchNext(network: Network, { topic, partition }: TopicPartition, offset: number): Promise<Fetched> {
  return network.persist(`${topic}, partition ${partition}, cannot be read`, async () => {
    const leader = (await network.leaders(topic))?.[partition]
    if (leader === undefined) throw new BrokerError(`${topic} has no partition ${partition} any more.`)
    return (await fetchFrom(network, leader, [{ topic, partition, offset }], limits))[0]!
  })
}
