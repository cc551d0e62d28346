import { asFault, RecordedFault, type Fault } from '../record/fault.ts'
import type { Record } from '../record/record.ts'
import { departure, leavesTogether, toRepeat, type FailedPart } from './departure.ts'
import { DeadLetters, type DeadLettersParts } from './deadLetters.ts'
import type { HeldPart } from './held.ts'
import { dead, type Lineage } from './lineage.ts'
import { incrementNamed } from './meter.ts'
import { policyOf, type DeadLetterPolicy } from './plan.ts'
import { Retries } from './retries.ts'
import { withinTask } from './splitAtKeys.ts'
import type { Node, SinkNode } from './wire.ts'

/** What the failures of a task ask of its flow. */
export interface FailureHost extends DeadLettersParts {
  /** A fault says that the task must stop. */
  halt(message: string, fault: Fault): void
  /** Runs what a timer brought at a node, as soon as no commit is under way. */
  later(node: string, action: () => void): void
  /** One part of a source record is done. */
  settle(lineage: Lineage): void
  /** A source record has left the task without its final outcome. */
  end(lineage: Lineage): void
}

/** A part that waits for its next try. */
type WaitingPart = Omit<FailedPart, 'fault'>

/** The path of a record that failed: tried again here or by way of a retry topic, or dead-lettered. */
export class Failures {
  readonly #host: FailureHost
  readonly #retries: Retries
  readonly deadLetters: DeadLetters

  constructor(host: FailureHost) {
    this.#host = host
    this.#retries = new Retries(host.task.scheduler)
    this.deadLetters = new DeadLetters(host)
  }

  /** Takes up a part that had failed at the last commit. @returns whether it had */
  restore({ retry, fault, ...part }: HeldPart): boolean {
    if (!retry) return false
    if (fault) this.#setAside({ ...part, retry, fault })
    else this.wait({ ...part, retry })
    return true
  }

  /** The record has its outcome. */
  forget(record: Record): void {
    this.#retries.forget(record)
  }

  /** Nothing will be tried again any more. */
  close(): void {
    this.#retries.close()
  }

  /** What was thrown outside of an operator's call is nobody's record: the task stops. */
  halt(id: string, thrown: unknown): void {
    const fault = asFault(id, thrown)
    this.#host.halt(fault.message, fault)
  }

  fail(node: Node | SinkNode, record: Record, fault: Fault): void {
    const id = 'sink' in node ? node.sink.id : node.id
    const lineage = record.origin as Lineage
    if (fault.disposition === 'halt') return this.#host.halt(`${id}: ${fault.message}`, fault)
    if (this.#host.task.signal.aborted && ('sink' in node || node.holds)) {
      // It may fail because the pipeline stops: it stays under way, and goes on with the next start.
      return this.#host.held.add({ node: id, record, retry: this.#retries.standing(record) })
    }
    const { retry } = this.#policyOf(lineage)
    const { tried, due } = this.#retries.fail(record, retry, fault.disposition === 'retry')
    if (due !== undefined) {
      node.meter.retried++
      const part = { node: id, record, retry: { ...tried, due } }
      if (!leavesTogether(retry)) return this.wait(part)
      return this.#setAside({ ...part, fault: { code: fault.code, message: fault.message } })
    }
    this.#retries.forget(record)
    incrementNamed(node.meter.dead, fault.code)
    lineage.mark(node.stream, dead)
    this.deadLetters.bury(id, record, fault, tried)
    this.#host.settle(lineage)
  }

  /** Holds a record until its next try is due. */
  wait(part: WaitingPart): void {
    this.#host.held.add(part)
    this.#retries.wait(part.record, part.retry, () =>
      this.#host.later(part.node, () => {
        this.#host.held.remove(part)
        this.#host.reenter(part)
      }),
    )
  }

  /** What came back by a lane is retried where it failed, in its task. */
  #policyOf(lineage: Lineage): DeadLetterPolicy {
    const policy = policyOf(this.#host.sources, lineage)
    return lineage.byLane ? withinTask(policy) : policy
  }

  /** A part that may pass later waits until the others of its record are done. */
  #setAside(part: FailedPart): void {
    const lineage = part.record.origin as Lineage
    this.#retries.forget(part.record)
    this.#host.held.add(part)
    lineage.departing ??= []
    lineage.departing.push(part)
    this.#host.settle(lineage)
  }

  /** All that is left of a source record may pass later: it goes to its retry topic, or waits here. */
  retryTogether(lineage: Lineage): void {
    const { sources, held, draft, streams, task, end } = this.#host
    const source = sources.get(lineage.input)!
    const failed = lineage.departing!
    lineage.departing = undefined
    for (const part of failed) held.remove(part)
    const parts = toRepeat(lineage, failed, source.deadLetters.retry)
    const output = departure(lineage, failed, parts, source, streams, task.scheduler.now())
    if (output) {
      draft.output(output)
      return end(lineage)
    }
    lineage.pending = parts.length
    for (const { fault: _, ...part } of parts) this.wait(part)
  }

  /** The config changed while the record was under way, and the place where it stood is gone. */
  buryOrphan(id: string, record: Record): void {
    const lineage = record.origin as Lineage
    const fault = new RecordedFault('operator.gone', `The record waited at ${id}, which the config no longer has.`)
    const stream = this.#host.streamOf(id)
    if (stream >= 0) lineage.mark(stream, dead)
    this.deadLetters.bury(id, record, fault)
    this.#host.settle(lineage)
  }
}
