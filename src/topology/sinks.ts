import type { SchedulerLike } from 'rxjs'
import type { Broker, GroupMember, StateChange, StateReader } from '../broker/broker.ts'
import type { Json, Log } from '../component/context.ts'
import type { OpenSink, Receipt } from '../component/sink.ts'
import { SinkUnavailableFault, Fault } from '../record/fault.ts'
import type { Record } from '../record/record.ts'
import { decode, encode } from './encoded.ts'
import { stateOf } from './held.ts'
import type { Plan, PlannedSink } from './plan.ts'

const store = '$sinks'

interface Kept {
  /** Which write of the sink it was; the tasks of a pipeline share the sink and any of them may have been the last. */
  readonly sequence: number
  readonly position: Json
}

export interface SinkParts {
  readonly plan: Plan
  readonly broker: Broker
  readonly scheduler: SchedulerLike
  readonly log: Log
  readonly signal: AbortSignal
}

/** The task that writes: a sink's first position is kept with its state. */
export interface WritingTask {
  readonly partition: number
  readonly member: GroupMember | undefined
}

/** The external sinks of a pipeline, shared by its tasks: one writes at a time, until its unit is committed. */
export class SharedSinks {
  readonly #parts: SinkParts
  readonly #open = new Map<string, OpenSink>()
  /** The state of the tasks that this process has. */
  readonly #states = new Map<number, StateReader>()
  #sequence = 0
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: SinkParts) {
    this.#parts = parts
  }

  /** Tasks of a partition come. */
  add(partition: number, state: StateReader): void {
    this.#states.set(partition, state)
  }

  /** Tasks of a partition go. */
  remove(partition: number): void {
    this.#states.delete(partition)
  }

  /** Waits until no other task is between writing and committing. @returns what to call when the unit is done */
  async lock(): Promise<() => void> {
    const before = this.#turn
    let release = () => {}
    this.#turn = new Promise((resolve) => (release = resolve))
    await before
    return release
  }

  /** One receipt a record; a sink that throws or cannot be opened failed them all. */
  async write(sink: PlannedSink, records: readonly Record[], task: WritingTask): Promise<readonly Receipt[]> {
    try {
      const open = this.#open.get(sink.id) ?? (await this.#reopen(sink, task))
      return await open.write(records, this.#parts.signal)
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      const fault =
        thrown instanceof Fault ? thrown : new SinkUnavailableFault(`${sink.id}: ${reason}`, { cause: thrown })
      return records.map(() => fault)
    }
  }

  /** Where the sink stands now, to be committed with the unit that was written. */
  positions(ids: Iterable<string>): StateChange[] {
    return [...ids].flatMap((id) => {
      const position = this.#open.get(id)?.position?.()
      if (position === undefined) return []
      return [{ store, key: id, value: encode({ sequence: ++this.#sequence, position } satisfies Kept) }]
    })
  }

  /** Closes all; the next write opens its sink again where the last commit left it. */
  async close(): Promise<void> {
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(open.map((sink) => sink.close()))
  }

  async #reopen({ id, spec, config }: PlannedSink, { partition, member }: WritingTask): Promise<OpenSink> {
    const { plan, broker, scheduler, log, signal } = this.#parts
    const kept = [...this.#states.values()]
      .map((state) => state.get(store, id))
      .filter((bytes) => bytes !== undefined)
      .map((bytes) => decode<Kept>(bytes))
      .toSorted((a, b) => b.sequence - a.sequence)[0]
    this.#sequence = Math.max(this.#sequence, kept?.sequence ?? 0)
    const context = { name: id, scheduler, directory: plan.directory, log, signal, position: kept?.position }
    const sink = await spec.open!(config, context)
    this.#open.set(id, sink)
    // A first position is kept before the first write, so that a crash in between leaves nothing that cannot be told apart.
    const first = kept ? [] : this.positions([id])
    if (first.length > 0) {
      const unit = { group: plan.name, task: stateOf(partition), outputs: [], offsets: [], state: first, counts: [] }
      await broker.commit({ ...unit, ...(member && { member }) })
    }
    return sink
  }
}
