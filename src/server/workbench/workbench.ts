import type { Broker, TopicInfo } from '../../broker/broker.ts'
import type { Log } from '../../component/context.ts'
import { isLedger } from '../../deadletter/ledger/entry.ts'
import type { LetterCount, LetterGroup } from '../../deadletter/ledger/groups.ts'
import type { Ledger } from '../../deadletter/ledger/ledger.ts'
import type { IndexedLetter } from '../../deadletter/ledger/letters.ts'
import { readLetter, type Letter } from '../../deadletter/readLetter.ts'
import { letterTopicsOf, type LetterTopic } from '../../topology/letterTopics.ts'
import type { Plan, PlannedSource } from '../../topology/plan.ts'
import { keptFor } from '../../topology/topics.ts'
import type { RunningPipeline } from '../../topology/running.ts'
import { Problem } from '../problem.ts'

export interface WorkbenchParts {
  readonly broker: Broker
  readonly ledger: Ledger
  /** Those whose letters, topics and state it shows, monitors included. */
  readonly pipelines: readonly RunningPipeline[]
  readonly log: Log
  /** Dead-letter topics beside those of the pipelines, by the sources that they are of; none when absent. */
  readonly otherLetters?: () => Promise<readonly WatchedTopic[]>
}

/** A dead-letter topic. */
export interface WatchedTopic {
  /** Several sources that share it are joined by ", ". */
  readonly source: string
  readonly topic: string
  /** The one here that writes to it, or reads it as a queue; absent where none does. */
  readonly pipeline?: string
}

export type WatchedCount = WatchedTopic & LetterCount

/** A letter as it is kept, and what is known of it. */
export interface FoundLetter {
  readonly indexed: IndexedLetter
  readonly letter: Letter
}

/** What the HTTP API and the pages tell of dead letters and topics: both ask here. */
export class Workbench {
  readonly parts: WorkbenchParts

  constructor(parts: WorkbenchParts) {
    this.parts = parts
  }

  /** The dead-letter topics that it knows, those of pipelines first. */
  async watched(): Promise<readonly WatchedTopic[]> {
    const own = this.parts.pipelines.flatMap(({ name: pipeline, plan }) =>
      letterTopicsOf(plan).map((each) => ({ ...each, pipeline })),
    )
    const isWritten = ({ sources }: LetterTopic) => sources.length > 0
    const others = (await this.parts.otherLetters?.()) ?? []
    return [own.filter(isWritten), own.filter((each) => !isWritten(each)), others].reduce((all, more) => [
      ...all,
      ...more.filter(({ topic }) => all.every((each) => each.topic !== topic)),
    ])
  }

  async counts(): Promise<readonly WatchedCount[]> {
    const watched = await this.watched()
    const counts = await this.parts.ledger.counts(
      watched.map(({ topic }) => topic),
      Date.now(),
      new Map(this.parts.pipelines.flatMap(({ plan }) => [...keptFor(plan)])),
    )
    return watched.map((each, at) => ({ ...each, ...counts[at]! }))
  }

  /** Reads on in all dead-letter topics. @returns their names */
  async follow(): Promise<readonly string[]> {
    const names = (await this.watched()).map(({ topic }) => topic)
    await this.parts.ledger.follow(names)
    return names
  }

  /** @param topic only of this one @throws Problem 404 where it is none of a dead-letter topic */
  async groups(topic?: string): Promise<readonly LetterGroup[]> {
    const names = await this.follow()
    if (topic !== undefined && !names.includes(topic)) throw noLetterTopic(topic, names)
    return this.parts.ledger.groups(topic === undefined ? names : [topic], Date.now())
  }

  /** The group of a fingerprint, in the topic where it failed last if none is named. @throws Problem 404 */
  async group(fingerprint: string, topic?: string): Promise<LetterGroup> {
    const all = (await this.groups(topic)).filter((group) => group.fingerprint === fingerprint)
    const found = all.toSorted((a, b) => b.last - a.last)[0]
    if (found) return found
    throw new Problem(404, `There is no group ${fingerprint}${topic === undefined ? '' : ` in ${topic}`}.`)
  }

  /** @throws Problem 404 for one that is not known, 410 for one that its topic does not keep any more */
  async letter(id: string): Promise<FoundLetter> {
    await this.follow()
    const indexed = this.parts.ledger.letter(id)
    if (!indexed)
      throw new Problem(
        404,
        `There is no letter ${id} (any more). What was said of those that are gone: see the audit.`,
      )
    const letter = await this.read(indexed)
    if (letter) return { indexed, letter }
    throw new Problem(410, `${indexed.topic} does not keep the letter ${id} any more.`)
  }

  /** Undefined where its topic does not keep it any more. */
  async read({ topic, partition, offset }: IndexedLetter): Promise<Letter | undefined> {
    const { records } = await this.parts.broker.read({ topic, partition, offset }, 1)
    return records[0]?.offset === offset ? readLetter(records[0]) : undefined
  }

  /** @throws Problem 404 */
  async topic(name: string): Promise<TopicInfo> {
    const [info] = await this.parts.broker.topics([name])
    if (info) return info
    throw new Problem(404, `There is no topic ${name}.`)
  }

  /** Tells what a topic is here; undefined of one that nothing is known of. */
  async roles(): Promise<(name: string) => TopicRole | undefined> {
    const letters = new Set((await this.watched()).map(({ topic }) => topic))
    const plans = this.parts.pipelines.map(({ plan }) => plan)
    return (name) => {
      if (letters.has(name)) return 'deadLetters'
      if (isLedger(name, letters)) return 'ledger'
      const roles = plans.map((plan) => roleIn(plan, name))
      return roles.find((role) => role === 'internal') ?? roles.find((role) => role !== undefined)
    }
  }
}

function roleIn({ name: pipeline, subtopologies, topics }: Plan, name: string): TopicRole | undefined {
  const sources = subtopologies.flatMap((each) => each.sources)
  const isOwn = ({ name: source, lane, origins, retriesOf, deadLetters }: PlannedSource) =>
    lane === name || deadLetters.retry.topic === name || (source === name && Boolean(origins ?? retriesOf))
  if (sources.some(isOwn)) return 'internal'
  if (sources.some((source) => source.name === name)) return 'source'
  if (topics.some((topic) => topic.name === name && !topic.internal)) return 'output'
  return name.startsWith(`${pipeline}-`) || topics.some((topic) => topic.name === name) ? 'internal' : undefined
}

/** `internal`: a pipeline's own, which others are not to write to. */
export type TopicRole = 'source' | 'output' | 'deadLetters' | 'ledger' | 'internal'

const noLetterTopic = (topic: string, names: readonly string[]): Problem =>
  new Problem(404, `There is no dead-letter topic ${topic}; there is ${names.join(', ') || 'none'}.`)
