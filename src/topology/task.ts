import { filter, firstValueFrom, race, Subject, timer, type Subscription } from 'rxjs'
import type { Batch, Broker, StateChange } from '../broker/broker.ts'
import { decodeValue, encodeValue } from '../component/value.ts'
import type { FloodGuard } from '../deadletter/flood.ts'
import { deadLetter } from '../deadletter/letter.ts'
import { asFault, RecordedFault, type Fault } from '../record/fault.ts'
import type { Outcome } from '../record/outcome.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { sourceFault } from './append.ts'
import { Draft } from './draft.ts'
import { Held, type Retry } from './held.ts'
import { dead, dropped, emitted, entered, Lineage, Tally } from './lineage.ts'
import { increment } from './meter.ts'
import type { PlannedSource } from './plan.ts'
import type { SharedSinks } from './sinks.ts'
import { StagedState } from './staged.ts'
import { wire, type Node, type SinkNode, type StreamNodes, type Wiring, type WiringParts } from './wire.ts'

export interface TaskParts extends WiringParts {
  /** "0_3": sub-topology 0, partition 3. */
  readonly id: string
  readonly broker: Broker
  readonly sinks: SharedSinks
}

/** A task stopped: nothing of its unit was committed, its records are still in their topics. */
export class TaskStopped extends Error {
  override readonly name = 'TaskStopped'
  /** The source whose flood guard stopped it, if that is why. */
  readonly flooded: string | undefined

  constructor(message: string, options: ErrorOptions & { readonly flooded?: string } = {}) {
    super(message, options)
    this.flooded = options.flooded
  }
}

/** With more source records under way than this, the task takes no more until some are done. */
const maxOpen = 10_000
/** Milliseconds that a commit waits for asynchronous calls before it keeps their records as under way. */
const patience = 100

/**
 * One partition of one sub-topology with its own operator state. Records are fed in, run through RxJS to their outcomes,
 * and all that came of them is committed as one unit.
 */
export class Task {
  readonly #parts: TaskParts
  readonly #state: StagedState
  readonly #wiring: Wiring
  readonly #held = new Held()
  readonly #tally: Tally
  readonly #sources: ReadonlyMap<string, PlannedSource>
  readonly #guards: ReadonlyMap<string, FloodGuard>
  readonly #streamNames: readonly string[]

  readonly #draft: Draft
  readonly #open = new Set<Lineage>()
  /** Lineages that the broker keeps as under way and that are done. */
  #closed: Lineage[] = []
  readonly #retries = new Map<Record, Retry>()
  readonly #timers = new Set<Subscription>()

  /** Calls of asynchronous operators that have not ended. */
  #calls = 0
  /** While a unit is being committed, what happens meanwhile waits here for the next. */
  #behind: (() => void)[] | undefined
  #work: Promise<void> = Promise.resolve()
  #working = false
  #commitAsked = false
  /** A lineage was closed, or the last call ended. */
  readonly #progress = new Subject<void>()
  readonly #failure = new Subject<TaskStopped>()
  #stopped: TaskStopped | undefined

  readonly #commitDone = new Subject<void>()
  /** Emits after every piece of work, committed or not. */
  readonly committed = this.#commitDone.asObservable()
  /** Emits once if the task stops by itself. */
  readonly stopped = this.#failure.asObservable()

  /** @param guards the flood guards of the sources that have one; they outlive a stopped task */
  constructor(parts: TaskParts, guards: ReadonlyMap<string, FloodGuard>) {
    this.#parts = parts
    this.#guards = guards
    this.#sources = new Map(parts.subtopology.sources.map((source) => [source.name, source]))
    this.#streamNames = parts.subtopology.streams.map(({ name }) => name)
    this.#tally = new Tally(this.#streamNames)
    this.#draft = new Draft(this.#tally)
    this.#state = new StagedState(parts.broker.state(parts.plan.name, parts.id))
    this.#wiring = wire(parts, this.#state, (node, outcome) =>
      node.holds ? this.#whenFree(() => this.#leave(node, outcome)) : this.#leave(node, outcome),
    )
  }

  /** Source records under way: read, and without a final outcome yet. */
  get inFlight(): number {
    return this.#open.size
  }

  /** Calls and commits that end by themselves, without more input and without a timer. */
  get busy(): boolean {
    return this.#calls > 0 || this.#commitAsked || this.#working
  }

  /** Takes up the records that were under way when the task committed last. */
  resume(): void {
    const { broker, plan, id } = this.#parts
    const parts = this.#held.restore(broker.state(plan.name, id), this.#streamNames)
    for (const { record } of parts) this.#open.add(record.origin as Lineage)
    for (const { node, record, retry } of parts) {
      if (retry) this.#wait(node, record, retry)
      else this.#reenter(node, record)
    }
    if (parts.length > 0) this.#commitSoon()
  }

  /** Runs a batch to its outcomes and commits; resolves when the task can take more. */
  async process(batch: Batch): Promise<void> {
    await this.#exclusively(async () => {
      for (const record of batch.records) this.#feed(record)
      this.#draft.position({ topic: batch.topic, partition: batch.partition, offset: batch.next })
      await this.#commit()
    })
    while (this.#open.size >= maxOpen) await firstValueFrom(race(this.#progress, this.#failure))
    if (this.#stopped) throw this.#stopped
  }

  /** Ends the input of every operator, so that those which hold records until more come let them go. */
  async flush(): Promise<void> {
    for (const { input } of this.#wiring.nodes.values()) input.complete()
    await this.#exclusively(() => this.#commit())
  }

  /** Abandons what is not committed. */
  async close(): Promise<void> {
    this.#stopped ??= new TaskStopped('the task was closed')
    for (const waiting of this.#timers) waiting.unsubscribe()
    this.#wiring.close()
    this.#progress.next()
    await this.#work
  }

  #feed(raw: StoredRecord): void {
    const source = this.#sources.get(raw.topic)!
    const lineage = new Lineage(source.name, raw)
    lineage.pending = 1
    const readers = this.#wiring.readers.get(source.name) ?? []
    const { key, headers, timestamp } = raw
    const recorded = headers.length > 0 ? sourceFault(headers) : undefined
    const decoded = recorded ? { fault: recorded } : decodeValue(raw.value, source.format)
    if ('fault' in decoded) {
      for (const { number } of readers) {
        this.#enterLedger(lineage, number)
        lineage.mark(number, dead)
      }
      const input = { key, value: raw.value, headers, timestamp, origin: lineage, index: '' }
      this.#bury(`${source.name}.read`, input, decoded.fault, 1, this.#now())
    } else {
      for (const stream of readers) {
        this.#enterStream(stream, { key, value: decoded.value, headers, timestamp, origin: lineage, index: '' })
      }
    }
    this.#settle(lineage)
    if (lineage.pending > 0) this.#open.add(lineage)
  }

  #enterStream(stream: StreamNodes, record: Record): void {
    const lineage = record.origin as Lineage
    this.#enterLedger(lineage, stream.number)
    lineage.pending++
    if (stream.first) this.#enter(stream.first, record)
    else this.#finish(stream, record)
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

  /** A record leaves a node with its outcome. */
  #leave(node: Node, outcome: Outcome): void {
    const { record } = outcome
    const lineage = record.origin as Lineage
    if (node.calls && --this.#calls === 0) this.#progress.next()
    if (node.holds) this.#held.remove({ node: node.id, record })
    if (outcome.type === 'fail') return this.#fail(node, record, outcome.fault)
    this.#retries.delete(record)
    if (outcome.type === 'drop') {
      increment(node.meter.dropped, outcome.reason)
      lineage.mark(node.stream, dropped)
      return this.#settle(lineage)
    }
    const stray = outcome.results.some(({ origin }) => origin !== lineage)
    if (stray) return this.#fail(node, record, new RecordedFault('operator.lost_origin', `${node.id} emitted a record without the origin of its input; derive results with withValue().`))
    node.meter.emitted += outcome.results.length
    lineage.pending += outcome.results.length
    for (const result of outcome.results) this.#forward(node, result, outcome.branch)
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
    if (!topic) {
      this.#draft.write(end, record)
      return
    }
    let value: Buffer | null
    try {
      value = encodeValue(record.value, topic.format)
    } catch (thrown) {
      return this.#fail(end, record, asFault(end.sink.id, thrown))
    }
    this.#draft.output({ topic: topic.name, key: record.key, value, headers: record.headers, timestamp: record.timestamp })
    end.meter.emitted++
    this.#settle(record.origin as Lineage)
  }

  #fail(node: Node | SinkNode, record: Record, fault: Fault): void {
    const id = 'sink' in node ? node.sink.id : node.id
    const lineage = record.origin as Lineage
    const before = this.#retries.get(record)
    const attempts = (before?.attempts ?? 0) + 1
    const firstFailedAt = before?.firstFailedAt ?? this.#now()
    if (fault.disposition === 'halt') return this.#stop(new TaskStopped(`${id}: ${fault.message}`, { cause: fault }))
    const { retry } = this.#sources.get(lineage.source)!.deadLetters
    if (fault.disposition === 'retry' && attempts <= retry.attempts) {
      const pause = retry.backoff[Math.min(attempts, retry.backoff.length) - 1] ?? 0
      node.meter.retried++
      this.#wait(id, record, { attempts, firstFailedAt, due: this.#now() + pause })
      return
    }
    this.#retries.delete(record)
    increment(node.meter.dead, fault.code)
    lineage.mark(node.stream, dead)
    this.#bury(id, record, fault, attempts, firstFailedAt)
    this.#settle(lineage)
  }

  /** Holds a record until its next try is due. */
  #wait(node: string, record: Record, retry: Retry): void {
    this.#retries.set(record, retry)
    this.#held.add({ node, record, retry })
    const waiting = timer(Math.max(0, retry.due - this.#now()), this.#parts.scheduler).subscribe(() => {
      this.#timers.delete(waiting)
      this.#whenFree(() => {
        this.#held.remove({ node, record, retry })
        this.#reenter(node, record)
      })
    })
    this.#timers.add(waiting)
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
    lineage.marks.forEach((marks, stream) => marks && lineage.mark(stream, dead))
    this.#bury(id, record, fault, (this.#retries.get(record)?.attempts ?? 0) + 1, this.#now())
    this.#settle(lineage)
  }

  #bury(operator: string, input: Record, fault: Fault, attempts: number, firstFailedAt: number): void {
    const { raw, source } = input.origin as Lineage
    const context = this.#sources.get(source)!.deadLetters
    this.#draft.output(
      deadLetter({ raw, input, operator, fault, attempts, firstFailedAt, failedAt: this.#now() }, context),
    )
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
    if (this.#guards.has(lineage.source)) this.#draft.verdict(lineage.source, isDead)
    if (lineage.kept) this.#closed.push(lineage)
    if (this.#open.delete(lineage)) this.#progress.next()
  }

  /** Runs now, or after the commit that is under way; then what came of it is committed as well. */
  #whenFree(action: () => void): void {
    if (this.#stopped) return
    if (this.#behind) return void this.#behind.push(action)
    action()
    this.#commitSoon()
  }

  #commitSoon(): void {
    if (this.#commitAsked || (this.#working && !this.#behind)) return
    this.#commitAsked = true
    queueMicrotask(() => void this.#exclusively(() => this.#commit()))
  }

  /** One after another; the first that throws stops the task. */
  #exclusively(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (this.#stopped) return
      this.#working = true
      try {
        await work()
      } catch (thrown) {
        const message = thrown instanceof Error ? thrown.message : String(thrown)
        this.#stop(thrown instanceof TaskStopped ? thrown : new TaskStopped(message, { cause: thrown }))
      } finally {
        this.#working = false
        this.#commitDone.next()
      }
    })
    return this.#work
  }

  #stop(reason: TaskStopped): void {
    if (this.#stopped) return
    this.#stopped = reason
    this.#failure.next(reason)
  }

  async #commit(): Promise<void> {
    this.#commitAsked = false
    if (this.#calls > 0) await this.#callsEnd()
    if (this.#stopped) return
    this.#judge()
    this.#behind = []
    const writes = this.#draft.takeWrites()
    const release = writes.size > 0 ? await this.#parts.sinks.lock() : () => {}
    try {
      for (const [end, records] of writes) await this.#flush(end, records)
      const positions = this.#parts.sinks.positions([...writes.keys()].map(({ sink }) => sink))
      await this.#commitUnit(positions)
    } finally {
      release()
    }
    const behind = this.#behind
    this.#behind = undefined
    for (const action of behind) action()
    if (behind.length > 0) this.#commitSoon()
  }

  async #commitUnit(positions: readonly StateChange[]): Promise<void> {
    if (this.#stopped) return
    const { plan, id, broker, meter, sinks } = this.#parts
    const held = this.#held.take(this.#open, this.#closed, this.#streamNames)
    this.#closed = []
    const unit = this.#draft.take(plan.name, id, [...this.#state.take(), ...held, ...positions])
    if (!unit) return
    try {
      await broker.commit(unit)
    } catch (thrown) {
      if (positions.length > 0) await sinks.reset()
      throw thrown
    }
    meter.commits++
  }

  /** Waits until the calls of asynchronous operators have ended, but not for long. */
  async #callsEnd(): Promise<void> {
    const ended = this.#progress.pipe(filter(() => this.#calls === 0))
    await firstValueFrom(race(ended, timer(patience, this.#parts.scheduler), this.#failure))
  }

  /** Before anything of a unit is published: too many dead letters are an outage, not poison. */
  #judge(): void {
    for (const [source, verdicts] of this.#draft.takeVerdicts()) {
      if (this.#guards.get(source)!.admits(verdicts)) continue
      const dead = verdicts.filter(Boolean).length
      const message = `${source}: ${dead} of the last ${verdicts.length} records failed, more than its flood guard (deadLetters.halt) allows; they stay in the topic.`
      throw new TaskStopped(message, { flooded: source })
    }
  }

  async #flush(end: SinkNode, records: readonly Record[]): Promise<void> {
    const receipts = await this.#parts.sinks.write(end.sink, records)
    records.forEach((record, at) => {
      const receipt = receipts[at]
      if (receipt !== 'written') return this.#fail(end, record, receipt ?? noReceipt(end.sink.id))
      this.#retries.delete(record)
      end.meter.emitted++
      this.#settle(record.origin as Lineage)
    })
  }

  #now(): number {
    return this.#parts.scheduler.now()
  }
}

const noReceipt = (sink: string): Fault =>
  new RecordedFault('sink.no_receipt', `${sink} did not say whether it wrote the record.`, 'retry')
