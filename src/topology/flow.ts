import { Subject } from 'rxjs'
import type { StateChange, Unit } from '../broker/broker.ts'
import type { FloodGuard } from '../deadletter/flood.ts'
import { deadLetter } from '../deadletter/letter.ts'
import { asFault, RecordedFault, type Fault } from '../record/fault.ts'
import type { Outcome } from '../record/outcome.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { readValue } from './append.ts'
import { Draft } from './draft.ts'
import { Held, stateOf } from './held.ts'
import { dead, dropped, emitted, entered, Lineage, streamOf, Tally } from './lineage.ts'
import { incrementNamed } from './meter.ts'
import type { PlannedSource } from './plan.ts'
import { asOutput, toldApart, wrongResult } from './results.ts'
import { Retries, type Retry } from './retries.ts'
import { StagedState } from './staged.ts'
import { wire, type Node, type Reader, type SinkNode, type StreamNodes, type Wiring } from './wire.ts'
import type { TaskParts } from './task.ts'
import { UnderWay } from './underWay.ts'

/** What a flow asks of its task. */
export interface FlowHost {
  /** Runs what an asynchronous operator or a timer brought, as soon as no commit is under way. */
  whenFree(action: () => void): void
  /** A fault says that the task must stop. */
  halt(message: string, fault: Fault): void
}

/** The path of a record through a task: from the batch it was read in to its final outcome in every stream. */
export class Flow {
  readonly #parts: TaskParts
  readonly #host: FlowHost
  readonly #state: StagedState
  readonly #wiring: Wiring
  readonly #sources: ReadonlyMap<string, PlannedSource>
  readonly #guards: ReadonlyMap<string, FloodGuard>
  readonly #streamNames: readonly string[]
  readonly #tally: Tally
  readonly #held = new Held()
  readonly #retries: Retries
  readonly #underWay = new UnderWay()
  #calls = 0
  /** A source record is done, or the last call of an asynchronous operator ended. */
  readonly progress = new Subject<void>()
  readonly draft: Draft

  constructor(parts: TaskParts, guards: ReadonlyMap<string, FloodGuard>, host: FlowHost) {
    this.#parts = parts
    this.#host = host
    this.#guards = guards
    this.#sources = new Map(parts.subtopology.sources.map((source) => [source.name, source]))
    this.#streamNames = parts.subtopology.streams.map(({ name }) => name)
    this.#tally = new Tally(this.#streamNames)
    this.draft = new Draft(this.#tally)
    this.#retries = new Retries(parts.scheduler)
    this.#state = new StagedState(parts.state)
    this.#wiring = wire(parts, this.#state, (node, outcome) => {
      const leave = () => this.#orHalt(node.id, () => this.#leave(node, outcome))
      if (node.holds) host.whenFree(leave)
      else leave()
    })
  }

  /** Source records that were read and have no final outcome yet. */
  get inFlight(): number {
    return this.#underWay.size
  }

  /** Whether there are so many that no more are to come. */
  get full(): boolean {
    return this.#underWay.full
  }

  /** Where they are: records by the operator that has them, or the sink that they wait for. */
  get places(): ReadonlyMap<string, number> {
    return this.#held.places
  }

  /** Calls of asynchronous operators that have not ended. */
  get calls(): number {
    return this.#calls
  }

  /** Takes up the records that were under way at the last commit. @returns whether there were any */
  restore(): boolean {
    const { state, committed } = this.#parts
    const parts = this.#held.restore(state, this.#streamNames, this.#sources, committed)
    for (const { record } of parts) this.#underWay.add(record.origin as Lineage)
    for (const { node, record, retry } of parts) {
      if (retry) this.#wait(node, record, retry)
      else this.#reenter(node, record)
    }
    return parts.length > 0
  }

  /** Ends the input of every timed operator; calls end by themselves. */
  flush(): void {
    for (const node of this.#wiring.nodes.values()) if (node.holds && !node.calls) node.flush()
  }

  close(): void {
    this.#retries.close()
    this.#wiring.close()
    this.progress.next()
  }

  /** What came of the records since the last unit; undefined when nothing did. */
  takeUnit(positions: readonly StateChange[]): Unit | undefined {
    const { plan, partition, member } = this.#parts
    const held = this.#held.take(this.#underWay, this.#underWay.takeClosed(), this.#streamNames)
    return this.draft.take(plan.name, stateOf(partition), member, [...this.#state.take(), ...held, ...positions])
  }

  /** A sink answered for a record. */
  written(end: SinkNode, record: Record, fault: Fault | undefined): void {
    if (fault) return this.#fail(end, record, fault)
    this.#retries.forget(record)
    end.meter.emitted++
    this.#settle(record.origin as Lineage)
  }

  feed(raw: StoredRecord): void {
    const source = this.#sources.get(raw.topic)!
    const lineage = new Lineage(source.name, raw)
    lineage.pending = 1
    const readers = this.#wiring.readers.get(source.name) ?? []
    const { key, headers, timestamp } = raw
    const read = readValue(raw, source)
    if ('fault' in read) {
      for (const { stream } of readers) {
        this.#enterLedger(lineage, stream.number)
        lineage.mark(stream.number, dead)
      }
      const input = { key, value: raw.value, headers, timestamp, origin: lineage, index: '' }
      this.#bury(`${source.name}.read`, input, read.fault)
    } else {
      const { value } = (lineage.read = { value: read.value, format: source.format })
      for (const reader of readers)
        this.#enterStream(reader, { key, value, headers, timestamp, origin: lineage, index: '' })
    }
    this.#settle(lineage)
    if (lineage.pending > 0) this.#underWay.add(lineage)
  }

  #enterStream({ stream, via }: Reader, record: Record): void {
    const lineage = record.origin as Lineage
    this.#enterLedger(lineage, stream.number)
    lineage.pending++
    const entering = via === '' ? record : { ...record, index: record.index + via }
    if (stream.first) this.#enter(stream.first, entering)
    else this.#finish(stream, entering)
  }

  #enterLedger(lineage: Lineage, stream: number): void {
    if (lineage.mark(stream, entered)) this.#tally.add(lineage.source, stream, 'read')
  }

  #enter(node: Node, record: Record): void {
    node.meter.received++
    if (node.holds) this.#held.add({ node: node.id, record })
    if (node.calls) this.#calls++
    node.input.next(record)
  }

  /** Whatever throws here must not get out into RxJS, which would end the process: the task stops, and its unit is not committed. */
  #orHalt(id: string, action: () => void): void {
    try {
      action()
    } catch (thrown) {
      const fault = asFault(id, thrown)
      this.#host.halt(fault.message, fault)
    }
  }

  /** A record leaves a node with its outcome. */
  #leave(node: Node, outcome: Outcome): void {
    const { record } = outcome
    const lineage = record.origin as Lineage
    if (node.calls && --this.#calls === 0) this.progress.next()
    if (node.holds) this.#held.remove({ node: node.id, record })
    if (outcome.type === 'fail') return this.#fail(node, record, outcome.fault)
    this.#retries.forget(record)
    if (outcome.type === 'drop') {
      incrementNamed(node.meter.dropped, outcome.reason)
      lineage.mark(node.stream, dropped)
      return this.#settle(lineage)
    }
    const wrong = wrongResult(node.id, outcome, this.#wiring.streams[node.stream]!)
    if (wrong) return this.#fail(node, record, wrong)
    node.meter.emitted += outcome.results.length
    lineage.pending += outcome.results.length
    for (const result of toldApart(outcome)) this.#forward(node, result, outcome.branch)
    this.#settle(lineage)
  }

  #forward(node: Node, record: Record, branch: string | undefined): void {
    const stream = this.#wiring.streams[node.stream]!
    if (branch === undefined) return node.next ? this.#enter(node.next, record) : this.#finish(stream, record)
    ;(record.origin as Lineage).mark(node.stream, emitted)
    for (const reader of stream.branches.get(branch) ?? []) this.#enterStream(reader, record)
    this.#settle(record.origin as Lineage)
  }

  /** A record has passed all steps of a stream. */
  #finish(stream: StreamNodes, record: Record): void {
    const lineage = record.origin as Lineage
    lineage.mark(stream.number, emitted)
    for (const end of stream.sinks) {
      lineage.pending++
      this.#write(end, record)
    }
    for (const reader of stream.readers) this.#enterStream(reader, record)
    this.#settle(lineage)
  }

  #write(end: SinkNode, record: Record): void {
    end.meter.received++
    const { topic } = end.sink
    if (!topic) return this.draft.write(end, record)
    const written = asOutput(end.sink.id, topic, record)
    if ('fault' in written) return this.#fail(end, record, written.fault)
    this.draft.output(written.output)
    end.meter.emitted++
    this.#settle(record.origin as Lineage)
  }

  #fail(node: Node | SinkNode, record: Record, fault: Fault): void {
    const id = 'sink' in node ? node.sink.id : node.id
    const lineage = record.origin as Lineage
    if (fault.disposition === 'halt') return this.#host.halt(`${id}: ${fault.message}`, fault)
    if (this.#parts.signal.aborted && ('sink' in node || node.holds)) {
      // It may fail because the pipeline stops: it stays under way, and goes on with the next start.
      return this.#held.add({ node: id, record, retry: this.#retries.standing(record) })
    }
    const { retry } = this.#sources.get(lineage.source)!.deadLetters
    const { tried, due } = this.#retries.fail(record, retry, fault.disposition === 'retry')
    if (due !== undefined) {
      node.meter.retried++
      return this.#wait(id, record, { ...tried, due })
    }
    this.#retries.forget(record)
    incrementNamed(node.meter.dead, fault.code)
    lineage.mark(node.stream, dead)
    this.#bury(id, record, fault, tried)
    this.#settle(lineage)
  }

  /** Holds a record until its next try is due. */
  #wait(node: string, record: Record, retry: Retry): void {
    this.#held.add({ node, record, retry })
    this.#retries.wait(record, retry, () =>
      this.#host.whenFree(() =>
        this.#orHalt(node, () => {
          this.#held.remove({ node, record, retry })
          this.#reenter(node, record)
        }),
      ),
    )
  }

  #reenter(id: string, record: Record): void {
    const node = this.#wiring.nodes.get(id)
    const end = this.#wiring.sinks.get(id)
    if (node) this.#enter(node, record)
    else if (end) this.#write(end, record)
    else this.#buryOrphan(id, record)
  }

  /** The config changed while the record was under way, and the place where it stood is gone. */
  #buryOrphan(id: string, record: Record): void {
    const lineage = record.origin as Lineage
    const fault = new RecordedFault('operator.gone', `The record waited at ${id}, which the config no longer has.`)
    const stream = streamOf(id, this.#streamNames)
    if (stream >= 0) lineage.mark(stream, dead)
    this.#bury(id, record, fault)
    this.#settle(lineage)
  }

  #bury(operator: string, input: Record, fault: Fault, tried?: Omit<Retry, 'due'>): void {
    const { raw, source } = input.origin as Lineage
    const failedAt = this.#parts.scheduler.now()
    const { attempts, firstFailedAt } = tried ?? { attempts: 1, firstFailedAt: failedAt }
    const failure = { raw, input, operator, fault, attempts, firstFailedAt, failedAt }
    this.draft.output(deadLetter(failure, this.#sources.get(source)!.deadLetters))
  }

  /** One part of a source record is done; the last one decides its outcome in every stream. */
  #settle(lineage: Lineage): void {
    if (--lineage.pending > 0) return
    let isDead = false
    for (let stream = 0; stream < lineage.marks.length; stream++) {
      const outcome = lineage.outcome(stream)
      if (outcome) this.#tally.add(lineage.source, stream, outcome)
      isDead ||= outcome === 'dead'
    }
    if (this.#guards.has(lineage.source)) this.draft.verdict(lineage.source, isDead)
    if (this.#underWay.end(lineage)) this.progress.next()
  }
}
