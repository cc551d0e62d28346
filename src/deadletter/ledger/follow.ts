import {
  BrokerError,
  type Broker,
  type PartitionInfo,
  type TopicInfo,
  type TopicPartition,
} from '../../broker/broker.ts'
import type { StoredRecord } from '../../record/record.ts'
import { fingerprintOfLetter } from '../fingerprint.ts'
import { readLetter } from '../readLetter.ts'
import { ledgerOf, readEntry } from './entry.ts'
import type { FailedLetter, LetterIndex, Passage, PlacedEntry } from './letterIndex.ts'

const recordsPerRead = 500
/** So many are taken at once: each time, a good part of the index is written anew, and nothing else runs meanwhile. */
const recordsPerTake = 8_000

/** A broker waits two seconds before it says that nothing can be read yet: the transactions of who died end within half a minute. */
const mostWaits = 45

export interface FollowOptions {
  /**
   * Reads what is being committed too, and waits for it: who acts on letters that nobody has dealt with must know all that was
   * said of them, also behind what a process left open that was killed.
   */
  readonly whole?: boolean
  readonly signal?: AbortSignal
  /** Called now and then: records read so far, and how many there were to read when it began. */
  readonly onProgress?: (read: number, all: number) => void
}

/** How the records of a topic come into the index. */
interface Way<T> {
  readonly read: (record: StoredRecord) => T | undefined
  readonly take: (passage: Passage, found: readonly T[]) => void
}

/**
 * Brings the index up to the ends that dead-letter topics and their ledgers have now. A topic that is gone is forgotten, as
 * is what a topic of the same name had before it was made anew.
 * @throws BrokerError where a whole topic is wanted, and its end cannot be read for long
 */
export async function follow(
  broker: Pick<Broker, 'topics' | 'read'>,
  index: LetterIndex,
  topics: readonly string[],
  { whole = false, signal, onProgress }: FollowOptions = {},
): Promise<void> {
  const infos = await broker.topics(topics.flatMap((topic) => [topic, ledgerOf(topic)]))
  const known = new Map(infos.map((info) => [info.name, info]))
  let read = 0
  const all = infos.reduce((sum, info) => sum + unread(index, info), 0)
  for (const topic of topics) {
    await forgetWhatIsGone(broker, index, topic, known)
    await followTopic(known.get(topic), {
      read: readFailed,
      take: (passage, letters) => index.takeLetters(passage, letters),
    })
    await followTopic(known.get(ledgerOf(topic)), {
      read: readPlaced,
      take: (passage, entries) => index.takeEntries(passage, topic, entries),
    })
    // After what the ledger says of them: who deletes letters has said so there before.
    if (signal?.aborted) continue
    expireGone(index, known.get(topic), (...gone) => index.expire(topic, ...gone))
    expireGone(index, known.get(ledgerOf(topic)), (...gone) => index.expireEntries(topic, ...gone))
  }

  async function followTopic<T>(info: TopicInfo | undefined, way: Way<T>): Promise<void> {
    for (const partition of info?.partitions ?? [])
      for (;;) {
        const known = index.place(info!.name, partition.partition).next
        const from = Math.max(known, Number(partition.start))
        if (from >= Number(partition.end) || signal?.aborted) break
        const next = await takeNext(
          { topic: info!.name, partition: partition.partition, known, from },
          partition.end,
          way,
        )
        if (next === from) break
        onProgress?.((read += next - from), all)
      }
  }

  async function takeNext<T>(
    { from, ...place }: Omit<Passage, 'next'> & { readonly from: number },
    end: bigint,
    { read, take }: Way<T>,
  ): Promise<number> {
    const found: T[] = []
    let next = from
    let waits = 0
    while (next < end && next - from < recordsPerTake && !signal?.aborted) {
      const batch = await broker.read({ ...place, offset: BigInt(next) }, recordsPerRead)
      if (Number(batch.next) === next) {
        if (!whole) break
        if (++waits > mostWaits) throw cannotBeRead(place, next)
        continue
      }
      waits = 0
      for (const record of batch.records) found.push(...asList(read(record)))
      next = Number(batch.next)
    }
    if (next > from) take({ ...place, next }, found)
    return next
  }
}

const cannotBeRead = ({ topic, partition }: TopicPartition, offset: number): BrokerError =>
  new BrokerError(
    `${topic}, partition ${partition}, cannot be read beyond ${offset}: a transaction has been open there for minutes. End it (\`kafka-transactions.sh find-hanging\`, \`abort\`), and try again.`,
  )

const asList = <T>(found: T | undefined): T[] => (found === undefined ? [] : [found])

function readFailed(record: StoredRecord): FailedLetter | undefined {
  const letter = readLetter(record)
  if (!letter) return undefined
  const { id, partition, offset, pipeline, source, operator, revision, hops, failedAt, fault } = letter
  const fingerprint = fingerprintOfLetter(letter)
  const facts = { id, partition, offset, fingerprint, pipeline, source, operator, revision, hops, failedAt }
  return { ...facts, key: letter.record.key, code: fault.code, message: fault.message }
}

function readPlaced(record: StoredRecord): PlacedEntry | undefined {
  const entry = readEntry(record)
  return entry && { entry, offset: record.offset }
}

/** The topic was made anew or is gone. */
async function forgetWhatIsGone(
  broker: Pick<Broker, 'topics'>,
  index: LetterIndex,
  topic: string,
  known: ReadonlyMap<string, TopicInfo>,
): Promise<void> {
  const infos = [topic, ledgerOf(topic)].flatMap((name) => known.get(name) ?? [])
  if (known.has(topic) && !infos.some((info) => isNew(index, info))) return
  if (!known.has(topic) || (await endBefore(broker, index, infos))) index.forget(topic)
}

/**
 * Whether topics end before what was read of them: who shares the index may have read on since the broker said where they end,
 * so that it is asked again, after the index.
 */
async function endBefore(
  broker: Pick<Broker, 'topics'>,
  index: LetterIndex,
  infos: readonly TopicInfo[],
): Promise<boolean> {
  const places = infos.flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ name, partition, ...index.place(name, partition) })),
  )
  const now = new Map((await broker.topics(infos.map(({ name }) => name))).map((info) => [info.name, info.partitions]))
  return places.some(({ name, partition, next }) => {
    const end = now.get(name)?.find((each) => each.partition === partition)?.end ?? 0n
    return Number(end) < next
  })
}

/** What a topic, or a ledger, does not keep any more. */
function expireGone(
  index: LetterIndex,
  info: TopicInfo | undefined,
  expire: (partition: number, start: number) => void,
): void {
  for (const { partition, start } of info?.partitions ?? [])
    if (Number(start) > index.place(info!.name, partition).start) expire(partition, Number(start))
}

/** A topic that ends before what was read of it is another one of the same name. */
const isNew = (index: LetterIndex, { name, partitions }: TopicInfo): boolean =>
  partitions.some(({ partition, end }) => Number(end) < index.place(name, partition).next)

const unread = (index: LetterIndex, { name, partitions }: TopicInfo): number =>
  partitions.reduce((sum, info) => sum + Math.max(0, Number(info.end) - firstUnread(index, name, info)), 0)

const firstUnread = (index: LetterIndex, name: string, { partition, start }: PartitionInfo): number =>
  Math.max(index.place(name, partition).next, Number(start))
