import { Subject } from 'rxjs'
import type { StateChange, Unit } from '../broker/broker.ts'
import type { FloodGuard } from '../deadletter/flood.ts'
import type { Fault } from '../record/fault.ts'
import type { Ending, Outcome } from '../record/outcome.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { startOf } from './departure.ts'
import { Draft } from './draft.ts'
import { Entrance } from './entrance.ts'
import { Failures } from './failures.ts'
import { Held, shelf, stateOf, type HeldPart } from './held.ts'
import type { Lineage } from './lineage.ts'
import { dropped, emitted, streamOf, Tally } from './lineage.ts'
import { incrementNamed } from './meter.ts'
import { KeyOrder } from './order.ts'
import { Pauses } from './pauses.ts'
import { countedAs, sourcesByName, type PlannedSource } from './plan.ts'
import { toldApart, writtenTo } from './results.ts'
import { limitOf } from './sequence.ts'
import { Standing } from './standing.ts'
import { StagedState } from './staged.ts'
import { Ticks, tickSources } from './ticks.ts'
import { wire, type Node, type Reader, type SinkNode, type StreamNodes, type Wiring } from './wire.ts'
import type { FlowHost, TaskParts } from './task.ts'
import { UnderWay } from './underWay.ts'

/** The path of a record through a task: from the batch it was read in to its final outcome in every stream. */
export class Flow {
  readonly #parts: TaskParts
  readonly #state: StagedState
  readonly #wiring: Wiring
  readonly #sources: Map<string, PlannedSource>
  readonly #guards: ReadonlyMap<string, FloodGuard>
  readonly #streamNames: readonly string[]
  readonly #tally: Tally
  readonly #held = new Held()
  readonly #failures: Failures
  readonly #underWay = new UnderWay()
  readonly #order: KeyOrder
  readonly #entrance: Entrance
  readonly #ticks: Ticks
  #calls = 0
  /** A source record is done, or the last call of an asynchronous operator ended. */
  readonly progress = new Subject<void>()
  readonly draft: Draft
  readonly standing: Standing
  readonly pauses: Pauses

  constructor(parts: TaskParts, guards: ReadonlyMap<string, FloodGuard>, host: FlowHost) {
    const soon = (id: string, action: () => void) => host.whenFree(() => this.#orHalt(id, action))
    this.#parts = parts
    this.#guards = guards
    this.#sources = sourcesByName(parts.subtopology.sources)
    this.#streamNames = parts.subtopology.streams.map(({ name }) => name)
    this.#tally = new Tally(parts.subtopology.streams.map(countedAs))
    this.draft = new Draft(this.#tally)
    this.#state = new StagedState(parts.state)
    this.#wiring = wire(parts, this.#state, (node, outcome) => {
      if (node.holds) host.whenFree(() => this.#leaveOrHalt(node, outcome))
      else this.#leaveOrHalt(node, outcome)
    })
    for (const source of tickSources(this.#wiring.nodes.values(), parts.subtopology))
      this.#sources.set(source.name, source)
    this.#ticks = new Ticks({
      ...parts,
      nodes: this.#wiring.nodes.values(),
      state: this.#state,
      later: soon,
      leave: (node, what) => this.#tick(node, what),
    })
    this.#order = new KeyOrder({
      ...limitOf(this.#sources.values()),
      ...shelf(parts.state, this.#streamNames),
      tally: this.#tally,
      begin: (lineage) => this.#entrance.begin(lineage),
      freed: () => this.progress.next(),
      soon: (action) => soon('order', action),
      later: (action) => void parts.scheduler.schedule(() => soon('order', action)),
      forget: (lineage) => void this.#underWay.end(lineage),
    })
    this.#failures = new Failures({
      task: parts,
      sources: this.#sources,
      streams: this.#streamNames,
      streamOf: (id) => this.#wiring.streamOf(id) ?? streamOf(id, this.#streamNames),
      draft: this.draft,
      tally: this.#tally,
      held: this.#held,
      underWay: this.#underWay,
      order: this.#order,
      halt: (message, fault) => host.halt(message, fault),
      later: soon,
      reenter: (part) => this.#reenter(part),
      store: this.#state.store('$redriven'),
      has: (id) => this.#wiring.streamOf(id) !== undefined,
      readersOf: (source) => this.#wiring.readers.get(source)?.map(({ stream }) => stream.number) ?? [],
      begin: (lineage, enter) => this.#entrance.begin(lineage, enter),
      settle: (lineage) => this.#settle(lineage),
      end: (lineage) => this.#end(lineage, true),
    })
    this.#entrance = new Entrance({
      sources: this.#sources,
      streams: this.#streamNames,
      readers: this.#wiring.readers,
      tally: this.#tally,
      order: this.#order,
      failures: this.#failures,
      enter: (reader, record) => this.#enterStream(reader, record),
      settle: (lineage) => this.#settle(lineage),
      keep: (lineage) => this.#keep(lineage),
    })
    this.standing = new Standing(this.#underWay, this.#order, this.#held)
    this.pauses = new Pauses(parts.state, this.#tally)
  }

  /** Calls of asynchronous operators that have not ended. */
  get calls(): number {
    return this.#calls
  }

  /** Takes up the records that were under way at the last commit. @returns whether there were any */
  restore(): boolean {
    const { parts, dead, parked } = this.#held.restore(this.#parts, this.#streamNames, this.#sources)
    for (const { record } of parts) this.#keep(record.origin as Lineage)
    this.#failures.deadLetters.restore(dead)
    for (const part of parts) if (!this.#failures.restore(part)) this.#reenter(part)
    this.#order.restore(parked)
    this.#ticks.arm()
    return parts.length + dead.length + parked.length > 0
  }

  /** Ends the input of every timed operator; calls end by themselves. */
  flush(): void {
    for (const node of this.#wiring.nodes.values()) if (node.holds && !node.calls) node.flush()
  }

  close(): void {
    this.#failures.close()
    this.#ticks.close()
    this.#wiring.close()
    this.progress.next()
  }

  /** What came of the records since the last unit; undefined when nothing did. */
  takeUnit(positions: readonly StateChange[]): Unit | undefined {
    const { plan, partition, member } = this.#parts
    this.#failures.deadLetters.write()
    const open = [...this.#underWay, ...this.#order.fresh]
    const held = this.#held.take(open, this.#underWay.takeClosed(), this.#streamNames)
    this.#order.shelved()
    this.#ticks.arm()
    const changes = [...this.#state.take(), ...held, ...this.pauses.take(), ...positions]
    return this.draft.take(plan.name, stateOf(partition), member, changes, this.#state.takeGlobal())
  }

  /** A sink answered for a record. */
  written(end: SinkNode, record: Record, fault: Fault | undefined): void {
    if (fault) return this.#failures.fail(end, record, fault)
    this.#failures.forget(record)
    end.meter.emitted++
    this.#settle(record.origin as Lineage)
  }

  /** Takes a record of a source, or a command from the lane of one. */
  feed(record: StoredRecord): void {
    this.#entrance.feed(record)
  }

  #keep(lineage: Lineage): void {
    this.#underWay.add(lineage)
    this.#order.hold(lineage)
  }

  #enterStream({ stream, entry = stream.first, via }: Reader, record: Record): void {
    const lineage = record.origin as Lineage
    this.#tally.enter(lineage, stream.number)
    lineage.pending++
    const entering = via === '' ? record : { ...record, index: record.index + via }
    if (entry) this.#enter(entry, entering)
    else this.#finish(stream, entering)
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
      this.#failures.halt(id, thrown)
    }
  }

  #leaveOrHalt(node: Node, outcome: Outcome): void {
    try {
      this.#leave(node, outcome)
    } catch (thrown) {
      this.#failures.halt(node.id, thrown)
    }
  }

  /** A record leaves a node with its outcome. */
  #leave(node: Node, outcome: Outcome): void {
    const { record } = outcome
    const lineage = record.origin as Lineage
    if (node.calls && --this.#calls === 0) this.progress.next()
    if (node.holds) this.#held.remove({ node: node.id, record })
    if (outcome.type === 'fail') return this.#failures.fail(node, record, outcome.fault)
    this.#failures.forget(record)
    if (outcome.type === 'drop') {
      incrementNamed(node.meter.dropped, outcome.reason)
      lineage.mark(node.stream, dropped)
      return this.#settle(lineage)
    }
    node.meter.emitted += outcome.results.length
    if (outcome.results.length === 0) lineage.mark(node.stream, emitted)
    lineage.pending += outcome.results.length
    for (const result of toldApart(outcome)) this.#forward(node, result, outcome.branch)
    this.#settle(lineage)
  }

  /** What no record caused leaves a node: a result, or how a record that it kept ends. */
  #tick(node: Node, what: Record | Ending): void {
    const lineage = ('type' in what ? what.record : what).origin as Lineage
    this.#entrance.begin(lineage, () => {
      this.#tally.enter(lineage, node.stream)
      lineage.pending++
      if ('type' in what) this.#leave(node, what)
      else this.#forward(node, what, undefined)
    })
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
    const written = writtenTo(end, record, this.#parts.refusals)
    if (!written) return this.draft.write(end, record)
    if (written.fault) return this.#failures.fail(end, record, written.fault)
    if (written.output) this.draft.output(written.output, written.made)
    end.meter.emitted++
    this.#settle(record.origin as Lineage)
  }

  #reenter({ node: id, record, retry }: HeldPart): void {
    const lineage = record.origin as Lineage
    const node = this.#wiring.nodes.get(id)
    const end = this.#wiring.sinks.get(id)
    if (node) return this.#enter(node, record)
    if (end) return this.#write(end, record)
    if (id !== startOf(lineage.input)) return this.#failures.buryOrphan(id, record)
    this.#failures.forget(record)
    lineage.runAgain(retry)
    this.#entrance.run(lineage)
    this.#settle(lineage)
  }

  /** One part of a source record is done; the last one decides its outcome in every stream. */
  #settle(lineage: Lineage): void {
    if (--lineage.pending > 0) return
    if (lineage.departing) return this.#failures.retryTogether(lineage)
    this.#end(lineage, this.#tally.close(lineage))
  }

  #end(lineage: Lineage, failed: boolean): void {
    if (lineage.redriven.length > 0) this.#failures.deadLetters.redrives.ended(lineage)
    // What is sent back has failed before: it says nothing of an outage.
    if (this.#guards.has(lineage.input) && lineage.hops === 0) this.draft.verdict(lineage.input, failed)
    if (this.#underWay.end(lineage)) this.progress.next()
    this.#order.ended(lineage)
  }
}
