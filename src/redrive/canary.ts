import type { SchedulerLike } from 'rxjs'
import type { Broker, Position } from '../broker/broker.ts'
import { isLedger, isOutdated, isSameFailure, ledgerOf, readEntry } from '../deadletter/ledger/entry.ts'
import { readLetter, type Letter } from '../deadletter/readLetter.ts'
import type { StoredRecord } from '../record/record.ts'
import { externalSources, type Plan } from '../topology/plan.ts'
import { sleep } from '../topology/pause.ts'

/** How the letters fared that went first. */
export interface CanaryResult {
  readonly sent: number
  /** Resolved. */
  readonly passed: number
  /** Dead again. */
  readonly failed: number
}

interface CanaryOptions {
  readonly plan: Plan
  readonly broker: Broker
  readonly scheduler: SchedulerLike
  readonly signal: AbortSignal
}

const recordsPerRead = 1_000
const betweenReads = 200

/** Waits for what becomes of letters, by what comes to their topics and ledgers from now on. */
export class Canary {
  readonly #options: CanaryOptions
  readonly #topics: ReadonlySet<string>
  #positions: readonly Position[]

  private constructor(options: CanaryOptions, topics: ReadonlySet<string>, positions: readonly Position[]) {
    this.#options = options
    this.#topics = topics
    this.#positions = positions
  }

  /** Looks where the topics end, before the letters are sent. */
  static async of(letters: readonly Letter[], options: CanaryOptions): Promise<Canary> {
    const written = externalSources(options.plan).map(({ deadLetters }) => deadLetters.topic)
    const topics = new Set([...letters.map(({ topic }) => topic), ...written])
    const infos = await options.broker.topics([...topics, ...[...topics].map(ledgerOf)])
    const ends = infos.flatMap(({ name, partitions }) =>
      partitions.map(({ partition, end }) => ({ topic: name, partition, offset: end })),
    )
    return new Canary(options, topics, ends)
  }

  /** Resolves when all of them have an outcome, or the signal aborts. */
  async outcome(letters: readonly Letter[]): Promise<CanaryResult> {
    const { scheduler, signal } = this.#options
    const waiting = new Map(letters.map((letter) => [letter.id, letter]))
    let [passed, failed] = [0, 0]
    while (waiting.size > 0 && !signal.aborted) {
      for (const record of await this.#news()) {
        const verdict = this.#verdictOf(record, waiting)
        if (!verdict) continue
        waiting.delete(verdict.letter)
        if (verdict.passed) passed++
        else failed++
      }
      if (waiting.size > 0) await sleep(betweenReads, scheduler, signal)
    }
    return { sent: letters.length, passed, failed }
  }

  #verdictOf(
    record: StoredRecord,
    waiting: ReadonlyMap<string, Letter>,
  ): { readonly letter: string; readonly passed: boolean } | undefined {
    if (!isLedger(record.topic, this.#topics)) {
      const letter = readLetter(record)
      const sent = letter && waiting.get(letter.id)
      return sent && letter.hops > sent.hops ? { letter: letter.id, passed: false } : undefined
    }
    const entry = readEntry(record)
    if (!entry || !('letter' in entry)) return undefined
    const sent = waiting.get(entry.letter)
    if (!sent || !isSameFailure(entry, sent) || entry.to === 'redriving') return undefined
    if (isOutdated(entry.reopened, sent.reopened?.times ?? 0)) return undefined
    return { letter: entry.letter, passed: entry.to === 'resolved' }
  }

  async #news(): Promise<readonly StoredRecord[]> {
    const { broker } = this.#options
    const batches = await Promise.all(this.#positions.map((position) => broker.read(position, recordsPerRead)))
    this.#positions = this.#positions.map((position, at) => ({ ...position, offset: batches[at]!.next }))
    return batches.flatMap(({ records }) => records)
  }
}
