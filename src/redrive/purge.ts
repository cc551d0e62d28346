import type { Broker, PartitionInfo } from '../broker/broker.ts'
import { entryRecord, subjectOf, type Disposition } from '../deadletter/ledger/entry.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { readLetter, type Letter } from '../deadletter/readLetter.ts'
import type { OutputRecord } from '../record/record.ts'
import type { Plan } from '../topology/plan.ts'
import { fits, type Choice } from './choose.ts'
import { discardLetters } from './discard.ts'
import { asItStands, placedRecords, type PlacedRecord } from './openLetters.ts'
import { lettersPerUnit } from './unitSize.ts'

export interface PurgeOptions {
  readonly plan: Plan
  readonly broker: Broker
  readonly ledger: Ledger
  readonly topics: readonly string[]
  readonly choice: Choice
  /** Letters of these may go; those that are on their way back never do. */
  readonly dispositions: readonly Disposition[]
  /** Only letters that failed before, milliseconds since the epoch. */
  readonly before?: number
}

/** The start of a partition that can go: a topic can only be deleted from its start on. */
export interface Prefix {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  /** The offset of the first record that stays. */
  readonly until: bigint
  readonly end: bigint
  /** Letters in it. */
  readonly letters: number
  /** Of those, that are open. */
  readonly open: number
  /** Why the next record stays; absent where there is none. */
  readonly stays?: string
}

export interface PurgeSaid {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly by: string
  readonly why: string
}

/** What of the topics can go, and what keeps the rest. Nothing is changed. */
export async function findPrefixes(options: PurgeOptions): Promise<readonly Prefix[]> {
  const { broker, ledger, topics } = options
  // In this order: of all that may go, the ledger knows whether it failed again.
  const infos = await broker.topics(topics)
  await ledger.follow(topics, { whole: true })
  return Promise.all(
    infos.flatMap(({ name, partitions }) => partitions.map((partition) => findPrefix(name, partition, options))),
  )
}

async function findPrefix(topic: string, info: PartitionInfo, options: PurgeOptions): Promise<Prefix> {
  const { broker, ledger } = options
  const { partition, start, end } = info
  const found = { topic, partition, from: start, end }
  let [letters, open] = [0, 0]
  for await (const each of placedRecords(broker, ledger, { name: topic, partitions: [info] })) {
    const verdict = verdictOn(each, options)
    if ('stays' in verdict) return { ...found, until: each.record.offset, letters, open, stays: verdict.stays }
    if (!verdict.letter) continue
    letters++
    if (verdict.disposition === 'open') open++
  }
  return { ...found, until: end, letters, open }
}

type Verdict =
  | { readonly stays: string }
  /** It goes; without a letter, it is of one that has failed again since. */
  | { readonly letter?: Letter; readonly disposition?: Disposition }

function verdictOn({ record, placed }: PlacedRecord, { ledger, choice, dispositions, before }: PurgeOptions): Verdict {
  const letter = readLetter(record)
  if (!letter) return { stays: 'it is no letter' }
  if (!placed) return ledger.letter(letter.id, [record.topic]) ? {} : { stays: 'it is no letter' }
  const { id, failedAt } = letter
  const { disposition, fingerprint } = placed
  if (!dispositions.includes(disposition)) return { stays: `letter ${id} is ${disposition}` }
  if (before !== undefined && failedAt >= before) return { stays: `letter ${id} failed later` }
  const { ids, source, group } = choice
  const isChosen =
    (ids?.includes(id) ?? true) &&
    (group === undefined || fingerprint === group) &&
    (source === undefined || letter.source === source) &&
    fits(letter, choice)
  return isChosen
    ? { letter: asItStands(letter, placed, ledger), disposition }
    : { stays: `letter ${id} is not chosen` }
}

/** Something became of letters since it was looked at which can go. */
class LettersChanged extends Error {
  override readonly name = 'LettersChanged'
}

/** @throws LettersChanged where some of them are not to go any more: they were opened again, say, while somebody was asked */
async function checkStillGoing(prefixes: readonly Prefix[], options: PurgeOptions): Promise<void> {
  await options.ledger.follow(options.topics, { whole: true })
  for (const { topic, partition, from: start, until: end } of prefixes) {
    const { stays } = await findPrefix(topic, { partition, start, end }, options)
    if (stays !== undefined)
      throw new LettersChanged(`${topic}/${partition}: meanwhile ${stays}; nothing was deleted, give the command again`)
  }
}

/**
 * Deletes prefixes for good. First the ledger has why; letters that are open are discarded, so that what is parked behind them
 * goes on. @returns where each partition starts then: brokers may keep the rest of a batch
 * @throws LettersChanged before anything is done
 */
export async function purge(
  prefixes: readonly Prefix[],
  options: PurgeOptions,
  said: PurgeSaid,
): Promise<ReadonlyMap<Prefix, bigint>> {
  const { plan, broker } = options
  const { now, by } = said
  const why = `purged: ${said.why}`
  await checkStillGoing(prefixes, options)
  for (const prefix of prefixes) {
    if (prefix.open > 0) await discardLetters(openIn(prefix, options), { plan, broker, now, by, why })
    await sayClosed(prefix, options, { now, by, why })
  }
  await broker.trim(prefixes.map(({ topic, partition, until: offset }) => ({ topic, partition, offset })))
  const bounds = await broker.bounds([...new Set(prefixes.map(({ topic }) => topic))])
  return new Map(
    prefixes.map((prefix) => {
      const { topic, partition } = prefix
      return [prefix, bounds.find((each) => each.topic === topic && each.partition === partition)!.start]
    }),
  )
}

async function* verdictsIn({ topic, partition, from, until }: Prefix, options: PurgeOptions) {
  const { broker, ledger } = options
  const info = { name: topic, partitions: [{ partition, start: from, end: until }] }
  for await (const each of placedRecords(broker, ledger, info)) {
    const verdict = verdictOn(each, options)
    if ('letter' in verdict && verdict.letter) yield { letter: verdict.letter, disposition: verdict.disposition! }
  }
}

async function* openIn(prefix: Prefix, options: PurgeOptions): AsyncGenerator<Letter> {
  for await (const { letter, disposition } of verdictsIn(prefix, options)) if (disposition === 'open') yield letter
}

async function sayClosed(prefix: Prefix, options: PurgeOptions, { now, by, why }: PurgeSaid): Promise<void> {
  let outputs: OutputRecord[] = []
  const commit = async () => {
    await options.broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
    outputs = []
  }
  for await (const { letter, disposition } of verdictsIn(prefix, options)) {
    if (disposition === 'open') continue
    outputs.push(entryRecord(prefix.topic, { ...subjectOf(letter), to: disposition, at: now(), by, why }))
    if (outputs.length === lettersPerUnit) await commit()
  }
  if (outputs.length > 0) await commit()
}
