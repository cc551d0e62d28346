import { isSameFailure } from '../deadletter/ledger/entry.ts'
import { deadLetter, hopsOf, letterId, type Failure } from '../deadletter/letter.ts'
import type { RedriveFacts } from '../deadletter/redriveRecord.ts'
import type { Fault } from '../record/fault.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { readValue } from './append.ts'
import { startOf } from './departure.ts'
import type { Draft } from './draft.ts'
import type { Held, HeldPart } from './held.ts'
import { readCommand, type LaneCommand } from './lane.ts'
import { dead, type Lineage, type Tally } from './lineage.ts'
import type { KeyOrder } from './order.ts'
import { policyOf, type PlannedSource } from './plan.ts'
import { Redrives, type RedrivesHost } from './redrives.ts'
import type { Tried } from './retries.ts'
import type { UnderWay } from './underWay.ts'

export interface DeadLettersParts extends Omit<RedrivesHost, 'redriveHeld' | 'refuse'> {
  readonly sources: ReadonlyMap<string, PlannedSource>
  /** The number of the stream that an operator or a sink belongs to; -1 if it is gone. */
  readonly streamOf: (id: string) => number
  readonly draft: Draft
  readonly tally: Tally
  readonly held: Held
  readonly underWay: UnderWay
  readonly order: KeyOrder
}

/** A letter that the unit in work is to have. */
interface Fresh {
  readonly lineage: Lineage
  readonly failure: Failure & { readonly letter: string }
  /** The streams where its record counts as dead by it. */
  readonly deadIn: ReadonlySet<number>
}

/** The dead letters that a task writes, and those that hold up their keys until a command comes for them. */
export class DeadLetters {
  readonly #parts: DeadLettersParts
  readonly redrives: Redrives
  #fresh: Fresh[] = []

  constructor(parts: DeadLettersParts) {
    this.#parts = parts
    this.redrives = new Redrives({
      ...parts,
      redriveHeld: (facts) => this.#redrive(facts),
      refuse: (lineage, streams, fault) => this.refuse(lineage, streams, fault),
    })
  }

  /** Writes the letter of a failure. */
  bury(operator: string, input: Record, fault: Fault, tried?: Tried): void {
    const { task, order, held, tally } = this.#parts
    const lineage = input.origin as Lineage
    const { raw, source } = lineage
    const place = letterId(lineage, operator, input.index)
    if (!lineage.bury(place)) return
    const failedAt = task.scheduler.now()
    const back = lineage.comeBack(place)
    const failed = {
      hops: back ? back.hops + 1 : hopsOf(raw.headers) + lineage.hops,
      failedAt,
      firstFailedAt: back?.firstFailedAt ?? tried?.firstFailedAt ?? failedAt,
    }
    const letter = back?.letter ?? freeLetter(lineage, place, operator, input.index)
    const shortened = task.refusals.shortens(letter)
    const read = lineage.input === source ? {} : { read: { topic: lineage.input, partition: task.partition } }
    const failure = {
      raw,
      letter,
      input,
      operator,
      fault,
      attempts: tried?.attempts ?? 1,
      shortened,
      ...failed,
      ...read,
    }
    this.#fresh.push({ lineage, failure, deadIn: lineage.claim() })
    tally.aside(source, 'letters', true)
    const part = { node: operator, record: input, letter, failed }
    if (order.died(lineage, letter, part)) held.add(part)
  }

  /** The letters go into the unit. By now it is known where their records came to. */
  write(): void {
    const { sources, draft, streams } = this.#parts
    for (const { lineage, failure, deadIn } of this.#fresh) {
      const entered = lineage.marks.flatMap((mark, number) =>
        mark > 0 ? [[streams[number]!, deadIn.has(number)] as const] : [],
      )
      const letter = deadLetter({ ...failure, streams: new Map(entered) }, policyOf(sources, lineage))
      draft.output(letter, { letter: failure.letter })
    }
    this.#fresh = []
  }

  /** A source record that cannot be read is dead in every stream that reads it. */
  refuse(lineage: Lineage, streams: readonly number[], fault: Fault): void {
    for (const stream of streams) {
      this.#parts.tally.enter(lineage, stream)
      lineage.mark(stream, dead)
    }
    this.bury(startOf(lineage.input), { ...lineage.raw, origin: lineage, index: '' }, fault)
  }

  /** Takes up what died and holds up its key since the last commit; what no source keeps in order any more is let go. */
  restore(parts: readonly HeldPart[]): void {
    const { held, order, underWay } = this.#parts
    for (const part of parts) {
      if (order.died(part.record.origin as Lineage, part.letter!, part)) continue
      held.remove(part)
      const lineage = part.record.origin as Lineage
      if (lineage.pending === 0) underWay.end(lineage)
    }
    for (const lineage of new Set(parts.map(({ record }) => record.origin as Lineage)))
      if (lineage.pending === 0) order.ended(lineage)
  }

  /** Does what a record of a lane says: a letter comes back, or it is given up. */
  obey(said: StoredRecord): void {
    if (this.redrives.take(said)) return
    const { sources, task } = this.#parts
    const { log } = task
    const { name: source } = sources.values().find(({ lane }) => lane === said.topic)!
    const command = readCommand(said)
    const place = { topic: said.topic, partition: said.partition, offset: String(said.offset) }
    if (!command) {
      const message = `${said.topic}/${said.partition}/${said.offset} is no dead letter and no command, and is passed over; \`oxbow dlq redrive\` writes them`
      return log.warn(place, message)
    }
    const done = this.#carryOut(source, command)
    const about = { ...place, ...command }
    if (done === 0 && command.command === 'discard' && command.failure) {
      const { letter, failure, by, why = '' } = command
      this.redrives.giveUp(letter, failure)
      this.redrives.say({ letter, redrive: '', firstFailedAt: failure.failedAt, ...failure }, 'discarded', why, by)
      return log.info(about, 'discard: the letter holds nothing up')
    }
    if (done > 0) log.info(about, `${command.command}: ${done} ${done === 1 ? 'letter' : 'letters'}`)
    // A release goes to every task, for nobody knows which one holds the key.
    else if (command.command !== 'release')
      log.warn(about, `${command.command}: no task waits for this letter (any more); it changes nothing`)
  }

  /** @returns how many letters it was about */
  #carryOut(source: string, command: LaneCommand): number {
    const { order } = this.#parts
    const letters = command.command === 'discard' ? [command.letter] : order.lettersHolding(source, command.key)
    const parts = order.discard(letters)
    for (const part of parts) {
      this.#close(source, part)
      this.#sayDiscarded(part, command)
    }
    return parts.length
  }

  /** The letter is not open any more. */
  #close(source: string, part: HeldPart): void {
    this.#parts.held.remove(part)
    this.#parts.tally.aside(source, 'letters', false)
  }

  #sayDiscarded({ letter, failed, record }: HeldPart, command: LaneCommand): void {
    if (!failed) return
    const meant = 'failure' in command && command.failure && isSameFailure(command.failure, failed)
    const failure = meant ? { ...failed, ...command.failure } : failed
    this.redrives.giveUp(letter!, failure)
    const { by, why = '' } = command
    const { topic } = policyOf(this.#parts.sources, record.origin as Lineage)
    this.redrives.say({ letter: letter!, redrive: '', ...failure, topic }, 'discarded', why, by)
  }

  /** What the task holds of a letter goes on, changed where somebody changed it. */
  #redrive(facts: RedriveFacts): boolean {
    const { order, tally, underWay, streamOf, reenter } = this.#parts
    const found = order.redrive(facts.letter)
    if (!found) return false
    const { lineage, part } = found
    const { letter, topic, failedAt, firstFailedAt, hops, redrive } = facts
    this.#close(lineage.source, part)
    if (lineage.pending === 0) tally.reopen(lineage)
    lineage.revive(letterId(lineage, part.node, part.record.index))
    lineage.redriven.push({ letter, topic, failedAt, firstFailedAt, hops, redrive })
    for (const { node } of order.lettersOf(lineage)) lineage.markDead(streamOf(node))
    underWay.add(lineage)
    lineage.pending++
    reenter(this.#asFixed(part, facts, lineage))
    return true
  }

  #asFixed(part: HeldPart, { from, raw, input, fixed }: RedriveFacts, lineage: Lineage): HeldPart {
    const start = startOf(lineage.input)
    const isWhole = from === 'source' || part.node === start
    if (isWhole && fixed) lineage.raw = raw
    if (isWhole) return { node: start, record: part.record }
    if (!fixed) return part
    const source = this.#parts.sources.get(lineage.input)!
    const read = input.value === undefined ? readValue(raw, source) : { value: JSON.parse(input.value) as unknown }
    return 'fault' in read ? part : { ...part, record: { ...part.record, value: read.value } }
  }
}

/** The id of a letter, where one that the record was sent back for has taken that of the place: it came back from another. */
const freeLetter = (lineage: Lineage, place: string, operator: string, index: string): string =>
  lineage.redriven.some(({ letter }) => letter === place)
    ? letterId(lineage, operator, `${index}+${lineage.hops}`)
    : place
