import { BrokerError, type Batch, type RebalanceListener, type Subscription, type TopicPartition } from '../broker.ts'
import type { Bell } from './bell.ts'
import type { Database } from './database.ts'
import { checkMaxRecords } from '../maxRecords.ts'
import type { Log, Topic } from './log.ts'
import type { Offsets } from './offsets.ts'

/** What a subscription stands on. */
export interface Ground {
  readonly database: Database
  readonly log: Log
  readonly offsets: Offsets
  readonly bell: Bell
}

/** A subscription that closes at once. */
export interface Member extends Omit<Subscription, 'close'> {
  /** Tells the listener of partitions that it does not know yet. */
  assignNew(): Promise<void>
  close(): void
}

interface Place {
  readonly topic: Topic
  readonly partition: number
  /** Where it goes on; never before the start of its log. */
  readonly position: number
  /** Offsets before that which retention deleted. */
  readonly expired: number
  readonly end: number
}

/** The only member of its group: every partition of its topics is its own, also those added later. */
export function createSubscription(
  { database, log, offsets, bell }: Ground,
  group: string,
  topics: readonly string[],
  listener?: RebalanceListener,
): Member {
  const assigned = new Set<string>()
  const positions = new Map<string, number>()
  const paused = new Set<string>()
  let turn = 0
  let closed = false

  const everyPartition = (): Place[] =>
    topics
      .map((topic) => log.get(topic))
      .flatMap((topic) =>
        topic.partitions.map(({ start, end }, partition) => {
          const known = positions.get(name(topic.name, partition)) ?? offsets.of(group, topic, partition) ?? start
          return { topic, partition, position: Math.max(known, start), expired: Math.max(0, start - known), end }
        }),
      )

  const isReady = ({ topic, partition, position, expired, end }: Place): boolean => {
    const place = name(topic.name, partition)
    return (position < end || expired > 0) && assigned.has(place) && !paused.has(place)
  }

  const take = (maxRecords: number): Batch[] => {
    const ready = everyPartition().filter(isReady)
    const batches: Batch[] = []
    let room = maxRecords
    for (const [index, { topic, partition, position, expired }] of rotate(ready, turn++).entries()) {
      const share = Math.ceil(room / (ready.length - index))
      if (share === 0) break
      const records = log.read(topic, partition, position, share)
      const last = records.at(-1)
      // Another process may have deleted them just now, by retention.
      if (last === undefined && expired === 0) continue
      const next = last ? last.offset + 1n : BigInt(position)
      positions.set(name(topic.name, partition), Number(next))
      batches.push({ topic: topic.name, partition, records, next, ...(expired > 0 && { expired }) })
      room -= records.length
    }
    return batches
  }

  const assignNew = async (): Promise<void> => {
    const fresh = database
      .read(everyPartition)
      .map(({ topic, partition }) => ({ topic: topic.name, partition }))
      .filter(({ topic, partition }) => !assigned.has(name(topic, partition)))
    if (fresh.length === 0) return
    for (const { topic, partition } of fresh) assigned.add(name(topic, partition))
    await listener?.assigned(fresh)
  }

  const own = ({ topic, partition }: TopicPartition): string => {
    if (closed) throw new BrokerError(`The subscription of ${group} is closed.`)
    if (topics.includes(topic)) return name(topic, partition)
    throw new BrokerError(`${group} does not read ${topic} here, only ${topics.join(', ')}.`)
  }

  return {
    standbys: [],
    poll: async ({ maxRecords, signal }) => {
      checkMaxRecords(maxRecords)
      if (closed) throw new BrokerError(`The subscription of ${group} is closed.`)
      while (!signal.aborted && !closed) {
        const batches = database.read(() => take(maxRecords))
        if (batches.length > 0) return batches
        await bell.next(signal)
        await assignNew()
      }
      return []
    },
    pause: (partition) => void paused.add(own(partition)),
    resume: (partition) => {
      if (paused.delete(own(partition))) bell.ring()
    },
    rewind: (partition) => {
      if (positions.delete(own(partition))) bell.ring()
    },
    lag: async () =>
      database.read(everyPartition).map(({ topic, partition, position, end }) => ({
        topic: topic.name,
        partition,
        start: BigInt(topic.partitions[partition]!.start),
        position: BigInt(position),
        end: BigInt(end),
      })),
    assignNew,
    close: () => {
      closed = true
      bell.ring()
    },
  }
}

const name = (topic: string, partition: number): string => `${topic}/${partition}`

/** The same items, beginning elsewhere each turn, so that none is always last. */
function rotate<T>(items: readonly T[], turn: number): readonly T[] {
  const first = items.length > 0 ? turn % items.length : 0
  return [...items.slice(first), ...items.slice(0, first)]
}
