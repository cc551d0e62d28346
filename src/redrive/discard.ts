import type { Broker } from '../broker/broker.ts'
import { entryRecord, subjectOf } from '../deadletter/ledger/entry.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import type { OutputRecord } from '../record/record.ts'
import { commandRecord } from '../topology/lane.ts'
import type { Plan } from '../topology/plan.ts'
import { prepareTopics } from '../topology/prepareTopics.ts'
import { ensureLedgers } from './ensureLedgers.ts'
import { chunksOf } from './chunksOf.ts'
import { homeIn, type Home } from './home.ts'

export interface DiscardOptions {
  readonly plan: Plan
  readonly broker: Broker
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Who gives them up, and why. */
  readonly by: string
  readonly why: string
  /** A letter was given up. */
  readonly onDiscarded?: (letter: Letter) => void
}

/** Gives letters up: they are open no more, and what is parked behind them goes on. @returns how many */
export async function discardLetters(letters: AsyncIterable<Letter>, options: DiscardOptions): Promise<number> {
  const { plan, broker, onDiscarded } = options
  const homeOf = homeIn(plan)
  const withLedgers = new Set<string>()
  const lanes = plan.topics.filter(({ partitionsOf }) => partitionsOf !== undefined)
  await prepareTopics(broker, lanes)
  const live = await broker.topics(lanes.map(({ name }) => name))
  const partitions = new Map(live.map((lane) => [lane.name, lane.partitions.length]))
  let count = 0
  for await (const chunk of chunksOf(letters)) {
    const fresh = [...new Set(chunk.map(({ topic }) => topic))].filter((topic) => !withLedgers.has(topic))
    if (fresh.length > 0) await ensureLedgers(broker, plan, fresh)
    for (const topic of fresh) withLedgers.add(topic)
    const outputs = chunk.map((letter) => discarding(letter, homeOf(letter), partitions, options))
    await broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
    count += chunk.length
    for (const letter of chunk) onDiscarded?.(letter)
  }
  return count
}

/** What gives a letter up: a command to the task that may hold up its key, which says so in the ledger, or the entry itself. */
function discarding(
  letter: Letter,
  home: Home | undefined,
  partitions: ReadonlyMap<string, number>,
  { now, by, why }: DiscardOptions,
): OutputRecord {
  const { topic, origin } = letter
  const subject = subjectOf(letter)
  const said = { by, why }
  if (!home || !mayBeHeld(letter, home, partitions))
    return entryRecord(topic, { ...subject, to: 'discarded', at: now(), ...said })
  const { letter: id, ...failure } = subject
  const command = { command: 'discard', letter: id, failure: { topic, ...failure }, ...said } as const
  return commandRecord(home.source.lane!, origin.partition, command, now())
}

/** Others may have written any partition: no task holds what comes from one that the source has not. */
const mayBeHeld = (
  { record, read, origin }: Letter,
  { source: { deadLetters, lane }, isOfOthers }: Home,
  partitions: ReadonlyMap<string, number>,
): boolean =>
  !isOfOthers &&
  deadLetters.parked !== undefined &&
  record.key !== null &&
  !read &&
  origin.partition < (partitions.get(lane!) ?? 0)
