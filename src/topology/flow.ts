import { Subject } from 'rxjs'
import type { StateChange, Unit } from '../broker/broker.ts'
import type { FloodGuard } from '../deadletter/flood.ts'
import { asFault, RecordedFault, type Fault } from '../record/fault.ts'
import type { Outcome } from '../record/outcome.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { readValue } from './append.ts'
import { DeadLetters } from './deadLetters.ts'
import { Draft } from './draft.ts'
import { Held, stateOf, type HeldPart } from './held.ts'
import { dead, dropped, emitted, entered, Lineage, streamOf, Tally } from './lineage.ts'
import { incrementNamed } from './meter.ts'
import { KeyOrder, limitOf } from './order.ts'
import { Pauses } from './pauses.ts'
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
  readonly #order: KeyOrder
  readonly #deadLetters: DeadLetters
  readonly #pauses: Pauses
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
    this.#order = new KeyOrder({
      ...limitOf(this.#sources.values()),
      begin: (lineage) => {
        this.#tally.aside(lineage.source, 'parked', false)
        this.#begin(lineage)
      },
      later: (action) => void parts.scheduler.schedule(() => host.whenFree(() => this.#orHalt('order', action))),
      forget: (lineage) => void this.#underWay.end(lineage),
    })
    this.#deadLetters = new DeadLetters({
      task: parts,
      sources: this.#sources,
      streams: this.#streamNames,
      draft: this.draft,
      tally: this.#tally,
      held: this.#held,
      underWay: this.#underWay,
      order: this.#order,
      reenter: (part) => this.#redrive(part),
    })
    this.#pauses = new Pauses(parts.state, this.#tally)
  }

  /** Source records that were read and have no final outcome yet. */
  get inFlight(): number {
    return this.#underWay.size + this.#sum(this.#order.parked)
  }

  /** Those of them that wait behind dead letters: they do not go on by themselves. */
  get blocked(): number {
    return this.#order.blocked
  }

  /** Whether there are so many that no more are to come. */
  get full(): boolean {
    return this.#underWay.full || this.#order.full
  }

  /** What is parked, in a sentence, where it is too much. */
  get parked(): string | undefined {
    if (!this.#order.full) return undefined
    const size = `${this.#order.size} records (${this.#order.bytes} bytes)`
    return `${size} are parked behind records that failed, or hold up their keys; redrive or discard the dead letters (\`oxbow dlq redrive\`, \`oxbow dlq discard\`), or raise deadLetters.parked.`
  }

  /** Whether there is too much of it, and nothing will go on by itself. */
  get stuck(): boolean {
    return this.#order.full && this.#underWay.size === 0
  }

  /** Where they are: records by the operator that has them, or the sink that they wait for, or their source where they are parked. */
  get places(): ReadonlyMap<string, number> {
    return new Map([
      ...this.#held.places,
      ...[...this.#order.parked].flatMap(([name, n]) => (n > 0 ? [[`${name}.parked`, n] as const] : [])),
    ])
  }

  /** Calls of asynchronous operators that have not ended. */
  get calls(): number {
    return this.#calls
  }

  /** Takes up the records that were under way at the last commit. @returns whether there were any */
  restore(): boolean {
    const { state, committed } = this.#parts
    const { parts, dead, parked } = this.#held.restore(state, this.#streamNames, this.#sources, committed)
    for (const { record } of parts) this.#keep(record.origin as Lineage)
    this.#deadLetters.restore(dead)
    for (const { node, record, retry } of parts) {
      if (retry) this.#wait(node, record, retry)
      else this.#reenter(node, record)
    }
    this.#order.restore(parked)
    return parts.length + dead.length + parked.length > 0
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
    const open = [...this.#underWay, ...this.#order.takeChanged()]
    const held = this.#held.take(open, this.#underWay.takeClosed(), this.#streamNames)
    const changes = [...this.#state.take(), ...held, ...this.#pauses.take(), ...positions]
    return this.draft.take(plan.name, stateOf(partition), member, changes)
  }

  /** No more is read of a source because too much is parked, or it goes on. @returns whether that is news */
  pause(source: string, paused: boolean): boolean {
    return this.#pauses.set(source, paused)
  }

  /** A sink answered for a record. */
  written(end: SinkNode, record: Record, fault: Fault | undefined): void {
    if (fault) return this.#fail(end, record, fault)
    this.#retries.forget(record)
    end.meter.emitted++
    this.#settle(record.origin as Lineage)
  }

  /** Takes a record of a source, or a command from the lane of one. */
  feed(record: StoredRecord): void {
    const source = this.#sources.get(record.topic)
    if (!source) return this.#command(record)
    const lineage = new Lineage(source.name, record)
    if (this.#order.parks(lineage)) this.#park(lineage)
    else this.#begin(lineage)
  }

  #command(record: StoredRecord): void {
    const source = this.#sources.values().find(({ lane }) => lane === record.topic)!
    this.#deadLetters.obey(source.name, record)
    this.progress.next()
  }

  #park(lineage: Lineage): void {
    for (const { stream } of this.#wiring.readers.get(lineage.source) ?? []) this.#enterLedger(lineage, stream.number)
    this.#tally.aside(lineage.source, 'parked', true)
  }

  #begin(lineage: Lineage): void {
    const { raw } = lineage
    const source = this.#sources.get(lineage.source)!
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
      this.#deadLetters.bury(readerOf(source.name), input, read.fault)
    } else {
      const { value } = (lineage.read = { value: read.value, format: source.format })
      for (const reader of readers)
        this.#enterStream(reader, { key, value, headers, timestamp, origin: lineage, index: '' })
    }
    this.#settle(lineage)
    if (lineage.pending > 0) this.#keep(lineage)
  }

  #keep(lineage: Lineage): void {
    this.#underWay.add(lineage)
    this.#order.hold(lineage)
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
    this.#deadLetters.bury(id, record, fault, tried)
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
    this.#deadLetters.bury(id, record, fault)
    this.#settle(lineage)
  }

  /** A part that died goes on where it died. */
  #redrive({ node, record }: HeldPart): void {
    const lineage = record.origin as Lineage
    if (node === readerOf(lineage.source)) return this.#begin(lineage)
    lineage.pending++
    this.#reenter(node, record)
  }

  /** One part of a source record is done; the last one decides its outcome in every stream. */
  #settle(lineage: Lineage): void {
    if (--lineage.pending > 0) return
    const isDead = this.#tally.close(lineage)
    if (this.#guards.has(lineage.source)) this.draft.verdict(lineage.source, isDead)
    if (this.#underWay.end(lineage)) this.progress.next()
    this.#order.ended(lineage)
  }

  #sum(counts: ReadonlyMap<string, number>): number {
    return counts.values().reduce((sum, count) => sum + count, 0)
  }
}

/** What stands for an operator in the letters of records that could not be read. */
const readerOf = (source: string): string => `${source}.read`
