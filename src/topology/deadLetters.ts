import { deadLetter, letterId } from '../deadletter/letter.ts'
import type { Fault } from '../record/fault.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { startOf } from './departure.ts'
import type { Draft } from './draft.ts'
import type { Held, HeldPart } from './held.ts'
import { readCommand } from './lane.ts'
import { dead, type Lineage, type Tally } from './lineage.ts'
import type { KeyOrder } from './order.ts'
import { policyOf, type PlannedSource } from './plan.ts'
import type { Tried } from './retries.ts'
import type { TaskParts } from './task.ts'
import type { UnderWay } from './underWay.ts'

export interface DeadLettersParts {
  readonly task: TaskParts
  readonly sources: ReadonlyMap<string, PlannedSource>
  /** The number of the stream that an operator or a sink belongs to; -1 if it is gone. */
  readonly streamOf: (id: string) => number
  readonly draft: Draft
  readonly tally: Tally
  readonly held: Held
  readonly underWay: UnderWay
  readonly order: KeyOrder
  /** A part goes on at the operator where it died. */
  readonly reenter: (part: HeldPart) => void
}

/** The dead letters that a task writes, and those that hold up their keys until a command comes for them. */
export class DeadLetters {
  readonly #parts: DeadLettersParts

  constructor(parts: DeadLettersParts) {
    this.#parts = parts
  }

  /** Writes the letter of a failure. */
  bury(operator: string, input: Record, fault: Fault, tried?: Tried): void {
    const { task, sources, draft, order, held, tally } = this.#parts
    const lineage = input.origin as Lineage
    const failedAt = task.scheduler.now()
    const { attempts, firstFailedAt } = tried ?? { attempts: 1, firstFailedAt: failedAt }
    const { raw, hops, source } = lineage
    const letter = letterId(lineage, operator, input.index)
    if (!lineage.bury(letter)) return
    const shortened = task.refusals.shortens(letter)
    const failure = { raw, hops, input, operator, fault, attempts, firstFailedAt, failedAt, shortened }
    draft.output(deadLetter(failure, policyOf(sources, lineage)), { letter })
    tally.aside(source, 'letters', true)
    const part = { node: operator, record: input, letter }
    if (order.died(lineage, letter, part)) held.add(part)
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

  /** Does what a record of a lane says. */
  obey(said: StoredRecord): void {
    const { sources, task } = this.#parts
    const { log } = task
    const { name: source } = sources.values().find(({ lane }) => lane === said.topic)!
    const command = readCommand(said)
    const place = { topic: said.topic, partition: said.partition, offset: String(said.offset) }
    if (!command) {
      const message = `${said.topic}/${said.partition}/${said.offset} is no command and is passed over; \`oxbow dlq redrive\` writes them`
      return log.warn(place, message)
    }
    const done = this.#carryOut(source, command)
    const about = { ...place, ...command }
    if (done > 0) log.info(about, `${command.command}: ${done} ${done === 1 ? 'letter' : 'letters'}`)
    // A release goes to every task, for nobody knows which one holds the key.
    else if (command.command !== 'release')
      log.warn(about, `${command.command}: no task waits for this letter (any more); it changes nothing`)
  }

  /** @returns how many letters it was about */
  #carryOut(source: string, command: NonNullable<ReturnType<typeof readCommand>>): number {
    const { order } = this.#parts
    if (command.command === 'redrive') return this.#redrive(command.letter) ? 1 : 0
    const letters = command.command === 'discard' ? [command.letter] : order.lettersHolding(source, command.key)
    const parts = order.discard(letters)
    for (const part of parts) this.#close(source, part)
    return parts.length
  }

  /** The letter is not open any more. */
  #close(source: string, part: HeldPart): void {
    this.#parts.held.remove(part)
    this.#parts.tally.aside(source, 'letters', false)
  }

  #redrive(letter: string): boolean {
    const { order, tally, underWay, streamOf, reenter } = this.#parts
    const found = order.redrive(letter)
    if (!found) return false
    const { lineage, part } = found
    this.#close(lineage.source, part)
    if (lineage.pending === 0) tally.reopen(lineage)
    lineage.revive(letter)
    for (const { node } of order.lettersOf(lineage)) lineage.mark(streamOf(node), dead)
    underWay.add(lineage)
    reenter(part)
    return true
  }
}
