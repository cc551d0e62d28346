import type { Broker, TopicPartition } from '../../broker/broker.ts'
import { AffectedBy, type Affected } from './affected.ts'
import { Audit, type AuditEnd, type AuditPage, type Decision, type KnownRedrive, type RedriveOutcome } from './audit.ts'
import type { LedgerEntry } from './entry.ts'
import { follow, type FollowOptions } from './follow.ts'
import { LetterGroups, type LetterCount, type LetterGroup } from './groups.ts'
import { LetterIndex } from './letterIndex.ts'
import {
  Letters,
  type IndexedLetter,
  type LetterChoice,
  type LetterPage,
  type PageEnd,
  type PlacedLetter,
} from './letters.ts'

/** Answers what became of dead letters, as of what their topics and ledgers have when it is asked to follow them. */
export class Ledger {
  readonly #broker: Pick<Broker, 'topics' | 'read'>
  readonly #file: string | undefined
  #open: ReturnType<typeof viewsOf> | undefined
  #following: Promise<void> = Promise.resolve()

  /** @param file where its index is kept; a temporary one when absent. It is opened when it is needed first */
  constructor(broker: Pick<Broker, 'topics' | 'read'>, file?: string) {
    this.#broker = broker
    this.#file = file
  }

  /** Reads on to where the topics and their ledgers end now; one call after another. */
  follow(topics: readonly string[], options?: FollowOptions): Promise<void> {
    const next = this.#following.then(() => follow(this.#broker, this.#opened.index, topics, options))
    this.#following = next.catch(() => {})
    return next
  }

  /**
   * The letters of topics, after following them.
   * @param now milliseconds since the epoch
   * @param wanted milliseconds that configs ask topics to keep their letters
   */
  async counts(
    topics: readonly string[],
    now: number,
    wanted?: ReadonlyMap<string, number>,
  ): Promise<readonly LetterCount[]> {
    await this.follow(topics)
    return this.#opened.groups.counts(topics, await this.#broker.topics(topics), now, wanted)
  }

  /** @param now milliseconds since the epoch */
  groups(topics: readonly string[], now: number): readonly LetterGroup[] {
    return this.#opened.groups.list(topics, now)
  }

  /** Those of the topics that have a group of a fingerprint. */
  topicsOfGroup(fingerprint: string, topics: readonly string[]): readonly string[] {
    return this.#opened.groups.topicsOf(fingerprint, topics)
  }

  page(choice: LetterChoice, limit: number, after?: PageEnd): LetterPage {
    return this.#opened.letters.page(choice, limit, after)
  }

  /** Undefined where none has that id. @param topics only on these: an imported letter may be on several */
  letter(id: string, topics?: readonly string[]): IndexedLetter | undefined {
    return this.#opened.letters.letter(id, topics)
  }

  /** The letters that failed last by records of a partition, from an offset on and up to another, by the offsets of those. */
  placed(partition: TopicPartition, from: bigint, until: bigint): ReadonlyMap<bigint, PlacedLetter> {
    return this.#opened.letters.placed(partition, from, until)
  }

  /** What was said of a letter, the first entry first. @param topic only in the ledger of this one */
  history(id: string, topic?: string): readonly LedgerEntry[] {
    return this.#opened.letters.history(id, topic)
  }

  /** Whom the latest letters of a group are of. */
  affected(topic: string, fingerprint: string): Affected {
    return this.#opened.affected.of(topic, fingerprint)
  }

  /** What was said of any letters and groups, the newest entry first. @param after the end of the page before */
  audit(limit: number, after?: AuditEnd): AuditPage {
    return this.#opened.audit.page(limit, after)
  }

  /** What was decided about groups of a topic, the first decision first. */
  decisions(topic: string): readonly Decision[] {
    return this.#opened.audit.decisions(topic)
  }

  /** The redrives that began last, the latest first. */
  redrives(limit: number): readonly KnownRedrive[] {
    return this.#opened.audit.redrives(limit)
  }

  /** How the letters of a redrive fare. @param name of the redrive */
  redrive(name: string): RedriveOutcome {
    return this.#opened.audit.redrive(name)
  }

  async close(): Promise<void> {
    await this.#following
    this.#open?.index.close()
    this.#open = undefined
  }

  get #opened() {
    return (this.#open ??= viewsOf(new LetterIndex(this.#file)))
  }
}

const viewsOf = (index: LetterIndex) => ({
  index,
  groups: new LetterGroups(index),
  letters: new Letters(index),
  affected: new AffectedBy(index),
  audit: new Audit(index),
})
