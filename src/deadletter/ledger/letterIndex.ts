import type { Database } from '../../broker/embedded/database.ts'
import type { Letter } from '../readLetter.ts'
import {
  dispositions,
  isAfter,
  isOutdated,
  isSameFailure,
  ledgerOf,
  type Disposition,
  type FailureTime,
  type GroupEntry,
  type LedgerEntry,
} from './entry.ts'
import { GroupChanges } from './groupChanges.ts'
import type { IndexStatements, LetterRow, Numbering } from './indexStatements.ts'
import { openIndex } from './openIndex.ts'
import { packedId } from './packedId.ts'

const numberOf = (disposition: Disposition): number => dispositions.indexOf(disposition)

/** What a partition has up to an offset, as far as the index did not know of it. */
export interface Passage {
  readonly topic: string
  readonly partition: number
  /** How far the index had read before: nothing of it is taken where that is another place by now. */
  readonly known: number
  readonly next: number
}

/** How far a partition was read, and from where on it was kept then. */
export interface IndexedPlace {
  readonly next: number
  readonly start: number
}

/** An entry, and where it is in its partition of the ledger. */
export interface PlacedEntry {
  readonly entry: LedgerEntry | GroupEntry
  readonly offset: bigint
}

/** What the index takes of a letter. */
export interface FailedLetter
  extends
    FailureTime,
    Pick<Letter, 'id' | 'partition' | 'offset' | 'fingerprint' | 'pipeline' | 'source' | 'operator' | 'revision'> {
  readonly code: string
  readonly message: string
  readonly key: Buffer | null
}

/**
 * A view of dead-letter topics and their ledgers: where each letter is and what became of it, counted by groups. It can be
 * made anew from the topics at any time. Several processes may share a file.
 */
export class LetterIndex {
  readonly database: Database
  readonly #sql: IndexStatements
  readonly #topics = new Map<string, number>()
  readonly #words = new Map<string, number>()
  readonly #groups = new Map<string, number>()
  #version: number | undefined
  /** The groups that others were merged into. */
  #shownIn: ReadonlyMap<number, number> = new Map()

  /** @param file a temporary one when absent */
  constructor(file = '') {
    const { database, sql } = openIndex(file)
    this.database = database
    this.#sql = sql
  }

  close(): void {
    this.database.close()
  }

  place(topic: string, partition: number): IndexedPlace {
    const row = this.database.read(() => this.#sql.place.get(topic, partition))
    return { next: row?.next_offset ?? 0, start: row?.start_offset ?? 0 }
  }

  /** Takes the letters of a passage; nothing where somebody else has read on meanwhile, or has forgotten the topic. */
  takeLetters(passage: Passage, letters: readonly FailedLetter[]): void {
    this.#take(passage, (changes) => {
      const topic = this.#topic(passage.topic)
      for (const letter of letters) this.#takeLetter(topic, letter, changes)
    })
  }

  /** Takes what a passage of a ledger says of the letters of its dead-letter topic. */
  takeEntries(passage: Passage, deadLetterTopic: string, entries: readonly PlacedEntry[]): void {
    this.#take(passage, (changes) => {
      const topic = this.#topic(deadLetterTopic)
      for (const { entry, offset } of entries) {
        if ('letter' in entry) this.#takeEntry(topic, [passage.partition, Number(offset)], entry, changes)
        else this.#takeGroupEntry(topic, entry, changes)
      }
    })
  }

  /**
   * The topic keeps a partition from an offset on: what was open before it is expired, and nothing else is known of it but what its
   * ledger says.
   */
  expire(topic: string, partition: number, start: number): void {
    this.#write(() => {
      const gone = [this.#topic(topic), partition, start] as const
      const changes = new GroupChanges()
      for (const { letter_group, disposition, letters } of this.#sql.gone.all(...gone))
        changes.expire(letter_group, disposition, letters)
      changes.write(this.#sql.group)
      this.#sql.forgetLetters.run(...gone)
      this.#sql.setPlace.run(topic, partition, start, start)
    })
  }

  /** The ledger of a topic keeps a partition from an offset on. */
  expireEntries(deadLetterTopic: string, partition: number, start: number): void {
    this.#write(() => {
      this.#sql.forgetEntries.run(this.#topic(deadLetterTopic), partition, start)
      this.#sql.setPlace.run(ledgerOf(deadLetterTopic), partition, start, start)
    })
  }

  /** The topic or its ledger was made anew, or is gone: so is all that was known of it. */
  forget(topic: string): void {
    this.#write(() => {
      const number = this.#topic(topic)
      for (const forget of this.#sql.forget) forget.run(number)
      for (const name of [topic, ledgerOf(topic)]) this.#sql.forgetPlaces.run(name)
    })
    this.#groups.clear()
  }

  /** Numbers that others may have forgotten meanwhile, or that were given in a write that was undone, are asked for anew. */
  #write(work: () => void): void {
    try {
      this.database.write(() => {
        const version = this.database.version()
        if (version !== this.#version) this.#groups.clear()
        this.#version = version
        work()
      })
    } catch (thrown) {
      for (const numbers of [this.#topics, this.#words, this.#groups]) numbers.clear()
      throw thrown
    }
  }

  #topic(name: string): number {
    return this.#numbered(this.#topics, this.#sql.topic, name)
  }

  #take({ topic, partition, known, next }: Passage, work: (changes: GroupChanges) => void): void {
    this.#write(() => {
      const place = this.#sql.place.get(topic, partition)
      if ((place?.next_offset ?? 0) !== known) return
      this.#readMerges()
      const changes = new GroupChanges()
      work(changes)
      changes.write(this.#sql.group)
      this.#sql.setPlace.run(topic, partition, next, place?.start_offset ?? 0)
    })
  }

  #takeLetter(topic: number, letter: FailedLetter, changes: GroupChanges): void {
    const { partition, offset, key, hops, failedAt } = letter
    const id = packedId(letter.id)
    const own = this.#groupOf(topic, letter, changes)
    const group = this.#shownIn.get(own) ?? own
    const found = this.#sql.letter.get(topic, id)
    if (found && !isAfter(letter, { ...failureOf(found), ...placeOf(found) })) return
    const { disposition, reopened } = this.#saidOf(topic, id, letter)
    const values = [
      partition,
      Number(offset),
      group,
      own,
      key,
      this.#word(letter.source),
      this.#word(letter.revision),
      hops,
      failedAt,
      disposition,
      reopened,
    ]
    if (found) {
      this.#sql.updateLetter.run(...values, found.number)
      changes.leave(found.letter_group, found.disposition)
    } else this.#sql.insertLetter.run(topic, id, ...values)
    changes.fail(group, disposition, letter)
  }

  /** What the ledger said already of a failure that was not known then. */
  #saidOf(topic: number, id: Buffer, letter: FailedLetter): Standing {
    const said = this.#sql.entries.all(topic, id)
    return said.filter((entry) => isSameFailure(letter, failureOf(entry))).reduce(standingBy, openAsYet)
  }

  #takeEntry(topic: number, place: readonly [number, number], entry: LedgerEntry, changes: GroupChanges): void {
    const { hops, failedAt, to, reopened = null, at, by, why, redrive = null } = entry
    const letter = packedId(entry.letter)
    const disposition = numberOf(to)
    this.#sql.insertEntry.run(topic, ...place, letter, hops, failedAt, disposition, reopened, at, by, why, redrive)
    const found = this.#sql.letter.get(topic, letter)
    if (!found || !isSameFailure(failureOf(found), entry)) return
    const standing = standingBy(found, { disposition, reopened })
    if (standing.disposition === found.disposition && standing.reopened === found.reopened) return
    this.#move(found, standing, changes)
    if (to === 'resolved' || to === 'discarded') changes.close(found.letter_group, at)
  }

  #takeGroupEntry(topic: number, { group, to, at, by, why }: GroupEntry, changes: GroupChanges): void {
    this.#sql.insertDecision.run(topic, group, JSON.stringify(to), at, by, why)
    const own = this.#sql.groupNumber.get(topic, group)?.id
    if (own !== undefined) this.#carryOut(topic, own, to, changes)
  }

  /** Muted, or shown with another, or no longer so. */
  #carryOut(topic: number, own: number, to: GroupEntry['to'], changes: GroupChanges): void {
    if (to === 'muted' || to === 'unmuted') return void this.#sql.mute.run(to === 'muted' ? 1 : 0, own)
    changes.write(this.#sql.group)
    const before = this.#shownIn.get(own) ?? own
    const named = to === 'split' ? own : this.#sql.groupNumber.get(topic, to.mergedInto)?.id
    if (named === undefined) return
    const shown = to === 'split' ? own : (this.#shownIn.get(named) ?? named)
    if (shown === before) return
    if (to === 'split') this.#sql.split.run(own, before, own)
    else this.#sql.merge.run(shown, before)
    this.#sql.showIn.run(shown === own ? null : shown, own, to === 'split' ? -1 : own)
    for (const each of [before, shown]) for (const recount of this.#sql.recount) recount.run(each)
    this.#readMerges()
  }

  #readMerges(): void {
    this.#shownIn = new Map(this.#sql.shownIn.all().map(({ id, shown_in }) => [id, shown_in]))
  }

  #move({ number, letter_group, ...from }: LetterRow, to: Standing, changes: GroupChanges): void {
    this.#sql.setStanding.run(to.disposition, to.reopened, number)
    changes.leave(letter_group, from.disposition)
    changes.enter(letter_group, to.disposition)
  }

  #groupOf(topic: number, letter: FailedLetter, changes: GroupChanges): number {
    const name = `${topic}/${letter.fingerprint}`
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const { fingerprint, pipeline, source, operator, code, message, failedAt } = letter
    const isNew = this.#sql.groupNumber.get(topic, fingerprint) === undefined
    if (isNew)
      this.#sql.insertGroup.run(topic, fingerprint, pipeline, source, operator, code, message, failedAt, failedAt)
    const { id } = this.#sql.groupNumber.get(topic, fingerprint)!
    // The ledger outlives letters: what it said of the group holds for those that come again.
    if (isNew) {
      for (const { decision } of this.#sql.decisions.all(fingerprint, topic))
        this.#carryOut(topic, id, JSON.parse(decision) as GroupEntry['to'], changes)
      const into = { mergedInto: fingerprint }
      for (const other of this.#sql.mergedInto.all(topic, JSON.stringify(into)))
        this.#carryOut(topic, other.id, into, changes)
    }
    this.#groups.set(name, id)
    return id
  }

  #word(text: string): number {
    return this.#numbered(this.#words, this.#sql.word, text)
  }

  #numbered(known: Map<string, number>, { insert, number }: Numbering, text: string): number {
    const found = known.get(text)
    if (found !== undefined) return found
    insert.run(text)
    const { id } = number.get(text)!
    known.set(text, id)
    return id
  }
}

/** What a failure is, and how often it was opened again. */
interface Standing {
  readonly disposition: number
  readonly reopened: number
}

const openAsYet: Standing = { disposition: numberOf('open'), reopened: 0 }

/** What one more entry makes of it. */
const standingBy = (
  before: Standing,
  { disposition, reopened }: { readonly disposition: number; readonly reopened: number | null },
): Standing => (isOutdated(reopened, before.reopened) ? before : { disposition, reopened: reopened ?? before.reopened })

const failureOf = ({ hops, failed_at }: { hops: number; failed_at: number }): FailureTime => ({
  hops,
  failedAt: failed_at,
})

const placeOf = ({ partition, at_offset }: LetterRow) => ({ partition, offset: BigInt(at_offset) })
