import type { StateStore } from '../component/state.ts'
import { decodeValue } from '../component/value.ts'
import { entryRecord, isSameFailure, type FailureTime, type LedgerEntry } from '../deadletter/ledger/entry.ts'
import { readRedriveRecord, type RedriveFacts, type SentBack } from '../deadletter/redriveRecord.ts'
import type { Fault } from '../record/fault.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { startOf } from './departure.ts'
import type { Draft } from './draft.ts'
import type { HeldPart } from './held.ts'
import { elsewhere, entered, Lineage, type Tally } from './lineage.ts'
import { policyOf, type PlannedSource } from './plan.ts'
import type { TaskParts } from './task.ts'
import { TakenLetters, wasTaken, wentOn, type Standing, type Taken } from './taken.ts'
import { leadingTo } from './upstream.ts'

export interface RedrivesHost {
  readonly task: TaskParts
  readonly sources: ReadonlyMap<string, PlannedSource>
  /** Names of the streams, by their numbers. */
  readonly streams: readonly string[]
  readonly draft: Draft
  readonly tally: Tally
  /** What the task remembers of letters that it has taken up. */
  readonly store: StateStore
  /** Whether there is an operator or a sink of that id. */
  has(id: string): boolean
  /** The numbers of the streams that read a source. */
  readersOf(source: string): readonly number[]
  /** Sends back what the task holds of a letter. @returns false where it holds nothing */
  redriveHeld(facts: RedriveFacts): boolean
  begin(lineage: Lineage, enter: () => void): void
  /** The record goes on from its source, or at an operator. */
  reenter(part: HeldPart): void
  /** It cannot be read, in any of these streams. */
  refuse(lineage: Lineage, streams: readonly number[], fault: Fault): void
}

/** Dead letters on their way back: what comes by the lanes of a task, and what became of it. */
export class Redrives {
  readonly #host: RedrivesHost
  readonly #taken: TakenLetters

  constructor(host: RedrivesHost) {
    const { store, sources } = host
    this.#host = host
    this.#taken = new TakenLetters(store, Math.max(...sources.values().map(({ deadLetters }) => deadLetters.retention)))
  }

  /** Takes a record of a lane. @returns false for what is none */
  take(stored: StoredRecord): boolean {
    const found = readRedriveRecord(stored)
    if (!found) return false
    const taken = this.#taken.of(found.letter)
    if (taken && wasTaken(taken, found)) {
      this.#comesAgain(found, taken)
      return true
    }
    const facts = taken && wentOn(taken, found) ? { ...found, passed: true } : found
    const lineage = this.#lineageOf(facts, stored)
    const refusal = this.#tooOften(facts, lineage)
    if (refusal === undefined && this.#host.redriveHeld(facts)) this.#remember(facts)
    else this.#goOn(facts, lineage, refusal ?? this.#impossible(facts))
    return true
  }

  /** A source record has its final outcome: so have the letters that it was sent back for, other than those that came again. */
  ended(lineage: Lineage): void {
    for (const sent of lineage.redriven.splice(0)) {
      if (sent.ended === 'back') continue
      this.#taken.end(sent.letter, sent, 'resolved')
      if (sent.ended === undefined) this.say(sent, 'resolved', '')
    }
  }

  /** Writes down what became of a letter: of its failure as it stands by now, or as it was opened again so often. */
  say(sent: SentBack & Partial<Standing>, to: LedgerEntry['to'], why: string, by = this.#self): void {
    const { letter, topic, hops, failedAt, reopened, redrive } = sent
    const at = this.#host.task.scheduler.now()
    const entry = { letter, hops, failedAt, to, by, why, at }
    const numbered = reopened === undefined ? entry : { ...entry, reopened }
    this.#host.draft.output(entryRecord(topic, redrive === '' ? numbered : { ...numbered, redrive }))
  }

  get #self(): string {
    const { name, revision } = this.#host.task.plan
    return `${name}, revision ${revision}`
  }

  /** A letter is given up: should it be sent back all the same, it stays so, unless it was taken up before. */
  giveUp(letter: string, failure: FailureTime & Partial<Standing>): void {
    const standing = { reopened: 0, ...failure }
    const taken = this.#taken.of(letter)
    if (taken && wasTaken(taken, standing)) return
    this.#taken.take(letter, standing, this.#host.task.scheduler.now())
    this.#taken.end(letter, failure, 'discarded')
  }

  /**
   * What became of it is said again, as it stood when it was taken up: who sent it said meanwhile that it is on its way. Where it was
   * opened again since, that changes nothing.
   */
  #comesAgain(facts: RedriveFacts, taken: Taken): void {
    const { letter, hops } = facts
    const { outcome, reopened } = taken
    if (outcome && isSameFailure(taken, facts)) this.say({ ...facts, reopened }, outcome, '')
    this.#host.task.log.info({ letter, hops }, 'redrive: the letter was taken up before; it is not processed twice')
  }

  #remember(facts: RedriveFacts): void {
    this.#taken.take(facts.letter, facts, this.#host.task.scheduler.now())
  }

  #tooOften({ hops }: RedriveFacts, lineage: Lineage): string | undefined {
    const { maxHops } = policyOf(this.#host.sources, lineage)
    return hops < maxHops ? undefined : `the record was sent back ${hops} times, the most that \`maxHops\` allows`
  }

  /** Why a record cannot go on that the task does not hold, if so. */
  #impossible({ from, operator, source, missing }: RedriveFacts): string | undefined {
    if (from === 'source' || operator === startOf(source)) return undefined
    if (!this.#host.has(operator))
      return `the config has no ${operator} (any more); send it back from its source (\`--to source\`)`
    if (missing === undefined) return undefined
    return `the letter does not hold what ${operator} was given: ${missing}; send it back from its source (\`--to source\`)`
  }

  #goOn(facts: RedriveFacts, lineage: Lineage, refusal: string | undefined): void {
    const { task, tally, begin, reenter } = this.#host
    if (refusal !== undefined) {
      this.say(facts, 'open', refusal)
      return task.log.warn({ letter: facts.letter }, `redrive: letter ${facts.letter} stays dead: ${refusal}`)
    }
    this.#remember(facts)
    tally.aside(facts.source, 'letters', false)
    this.#count(facts, lineage)
    const isWhole = facts.from === 'source' || facts.operator === startOf(facts.source)
    begin(lineage, () => {
      if (!isWhole) return this.#enter(facts, lineage)
      lineage.pending++
      lineage.leading = leadingTo(
        facts.operator,
        task.plan.subtopologies.flatMap(({ streams }) => streams),
      )
      reenter({ node: startOf(lineage.input), record: { ...facts.raw, value: null, origin: lineage, index: '' } })
    })
  }

  #enter({ operator, index, input, raw }: RedriveFacts, lineage: Lineage): void {
    const { sources, reenter, refuse } = this.#host
    const own = sources.get(lineage.input)!
    const { format } = own.origins?.get(lineage.source) ?? own
    const isOwn = input.value === undefined
    const read = isOwn ? decodeValue(raw.value, format) : decodeValue(Buffer.from(input.value), 'json')
    if ('fault' in read) return refuse(lineage, inFlightIn(lineage), read.fault)
    if (isOwn) lineage.read = { value: read.value, format }
    const record: Record = {
      key: input.key === undefined ? raw.key : Buffer.from(input.key),
      value: read.value,
      headers: raw.headers,
      timestamp: input.timestamp ?? raw.timestamp,
      origin: lineage,
      index,
    }
    lineage.pending++
    reenter({ node: operator, record })
  }

  #lineageOf({ source, raw, from, read, ...facts }: RedriveFacts, stored: StoredRecord): Lineage {
    const { sources } = this.#host
    const own = sources.values().find(({ lane }) => lane === stored.topic)!
    const input = from === 'operator' && read && sources.has(read.topic) ? read.topic : own.name
    const { topic, partition, offset } = stored
    const lineage = new Lineage(source, raw, { topic, partition, offset }, input)
    const { letter, topic: letters, hops, failedAt, firstFailedAt, redrive } = facts
    lineage.byLane = true
    lineage.hops = hops + 1
    lineage.redriven.push({ letter, topic: letters, hops, failedAt, firstFailedAt, redrive })
    return lineage
  }

  /** Takes the record back from what it was counted as: where it counted as dead by this letter, it is in flight again. */
  #count({ streams: known, operator, from, read, uncounted, passed }: RedriveFacts, lineage: Lineage): void {
    const { streams, tally, task, readersOf } = this.#host
    const countedAlready = () => streams.forEach((_, number) => (lineage.marks[number] = entered | elsewhere))
    if (passed) return countedAlready()
    const isBeyond = from === 'source' && read !== undefined && read.topic !== lineage.input
    if (isBeyond) {
      // It comes by the internal topic once more, and is counted there anew.
      const planned = task.plan.subtopologies.flatMap((subtopology) => subtopology.streams)
      for (const { name, written } of planned)
        if (known?.get(name) && !uncounted) tally.uncount(read.topic, written.stream)
      return countedAlready()
    }
    const counted = known ?? new Map(this.#streamsOf(operator, lineage, readersOf).map((name) => [name, true]))
    for (const [name, isDead] of counted) {
      const number = streams.indexOf(name)
      if (number < 0) continue
      lineage.marks[number] = isDead ? entered : entered | elsewhere
      if (!isDead) continue
      if (uncounted) tally.add(lineage.input, number, 'read')
      else tally.add(lineage.input, number, 'dead', -1)
    }
  }

  /** Where a record counts as dead whose letter does not say so: the letters of older versions do not. */
  #streamsOf(operator: string, { input }: Lineage, readersOf: RedrivesHost['readersOf']): string[] {
    const { streams } = this.#host
    if (operator === startOf(input)) return readersOf(input).map((number) => streams[number]!)
    return streams
      .filter((name) => operator.startsWith(`${name}.`))
      .toSorted((a, b) => b.length - a.length)
      .slice(0, 1)
  }
}

/** The streams where it is to be counted when it ends. */
const inFlightIn = ({ marks }: Lineage): number[] => marks.flatMap((mark, number) => (mark === entered ? [number] : []))
