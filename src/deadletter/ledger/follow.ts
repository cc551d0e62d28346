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
/** So many partitions of few records are read at once. */
const sideBySide = 8
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
  read(record: StoredRecord): T | undefined
  take(passage: Passage, found: readonly T[]): void
}

/** A partition that is read up to where it ended. */
interface Lane extends TopicPartition {
  readonly info: PartitionInfo
  readonly way: Way<unknown>
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
  for (const topic of topics) await forgetWhatIsGone(broker, index, topic, known)
  // Letters first: when a group was closed is told by the entries of those that it has.
  await readAll(topics.flatMap((topic) => lanesOf(known.get(topic), lettersInto(index))))
  await readAll(topics.flatMap((topic) => lanesOf(known.get(ledgerOf(topic)), entriesInto(index, topic))))
  // After what the ledger says of them: who deletes letters has said so there before.
  if (signal?.aborted) return
  for (const topic of topics) {
    expireGone(index, known.get(topic), (...gone) => index.expire(topic, ...gone))
    expireGone(index, known.get(ledgerOf(topic)), (...gone) => index.expireEntries(topic, ...gone))
  }

  /** What can be read at once first. Then one lane waits for all: what was being committed meanwhile, the others can read too. */
  async function readAll(lanes: readonly Lane[]): Promise<void> {
    let behind = await readOn(lanes)
    for (let waits = 0; behind.length > 0;) {
      const [first] = behind as [Lane]
      waits = (await readLane(first, true)) ? 0 : waits + 1
      if (whole && waits > mostWaits) throw cannotBeRead(first, placeIn(index, first))
      const isStuck = isBehind(first)
      behind = await readOn(behind)
      if (isStuck && !whole) return
    }
  }

  function isBehind(lane: Lane): boolean {
    return !signal?.aborted && placeIn(index, lane) < lane.info.end
  }

  /**
   * Those of few records side by side, for each costs an answer; the others one after another, for each fills memory.
   * @returns those that are not at their ends
   */
  async function readOn(lanes: readonly Lane[]): Promise<readonly Lane[]> {
    const { few = [], many = [] } = Object.groupBy(lanes.filter(isBehind), (lane) =>
      Number(lane.info.end) - placeIn(index, lane) > recordsPerRead ? 'many' : 'few',
    )
    const next = few.values()
    const oneByOne = async (own: Iterable<Lane>): Promise<void> => {
      for (const lane of own) await readLane(lane, false)
    }
    await Promise.all(Array.from({ length: sideBySide }, () => oneByOne(next)))
    await oneByOne(many)
    return lanes.filter(isBehind)
  }

  /** @returns whether there was something that could be read */
  async function readLane(lane: Lane, waits: boolean): Promise<boolean> {
    for (let isNew = false; ; isNew = true) {
      const from = placeIn(index, lane)
      if (from >= lane.info.end || signal?.aborted) return isNew
      const next = await takeNext(lane, from, waits)
      if (next <= from) return isNew
      onProgress?.((read += next - from), all)
    }
  }

  async function takeNext({ topic, partition, info, way }: Lane, from: number, waits: boolean): Promise<number> {
    const known = index.place(topic, partition).next
    const found: unknown[] = []
    let next = from
    while (next < info.end && next - from < recordsPerTake && !signal?.aborted) {
      const batch = await broker.read({ topic, partition, offset: BigInt(next) }, recordsPerRead, { waits })
      if (Number(batch.next) <= next) break // Not committed yet, or the topic was made anew.
      for (const record of batch.records) found.push(...asList(way.read(record)))
      next = Number(batch.next)
    }
    if (next > from) way.take({ topic, partition, known, next }, found)
    return next
  }
}

const lanesOf = (info: TopicInfo | undefined, way: Way<unknown>): Lane[] =>
  (info?.partitions ?? []).map((each) => ({ topic: info!.name, partition: each.partition, info: each, way }))

const lettersInto = (index: LetterIndex): Way<FailedLetter> => ({
  read: readFailed,
  take: (passage, letters) => index.takeLetters(passage, letters),
})

const entriesInto = (index: LetterIndex, topic: string): Way<PlacedEntry> => ({
  read: readPlaced,
  take: (passage, entries) => index.takeEntries(passage, topic, entries),
})

/** Where the index goes on. */
const placeIn = (index: LetterIndex, { topic, info }: Lane): number => firstUnread(index, topic, info)

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
  // With bytes of its own: many wait for the index, and each would keep all that came with it.
  const key = letter.record.key && Buffer.from(letter.record.key)
  return { ...facts, key, code: fault.code, message: fault.message }
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
