import type { GroupMember, Position, StateChange, Unit } from '../broker/broker.ts'
import type { OutputRecord, Record } from '../record/record.ts'
import type { Tally } from './lineage.ts'
import type { Made, Refused } from './refusals.ts'
import type { SinkNode } from './wire.ts'

/** The unit that a task is working on. */
export class Draft {
  readonly #tally: Tally
  #outputs: OutputRecord[] = []
  /** What each of the outputs is, of this unit and of the one before. */
  #made: (Made | undefined)[] = []
  #taken: readonly (Made | undefined)[] = []
  #writes = new Map<SinkNode, Record[]>()
  #offsets = new Map<string, Position>()
  #verdicts = new Map<string, boolean[]>()

  constructor(tally: Tally) {
    this.#tally = tally
  }

  /** @param made what it is, where somebody knows what to do should it be refused */
  output(record: OutputRecord, made?: Made): void {
    this.#outputs.push(record)
    this.#made.push(made)
  }

  /** What those outputs are of the unit that was taken last which were refused. @param reasons by their places in it */
  refused(reasons: ReadonlyMap<number, string>): Refused[] {
    return Array.from(reasons, ([at, reason]) => ({ made: this.#taken[at], reason }))
  }

  /** The record goes to an external sink before the unit commits. */
  write(end: SinkNode, record: Record): void {
    const records = this.#writes.get(end)
    if (records) records.push(record)
    else this.#writes.set(end, [record])
  }

  position(position: Position): void {
    this.#offsets.set(`${position.topic}/${position.partition}`, position)
  }

  /** Offsets of a source were deleted before they were read. */
  expired(source: string, offsets: number): void {
    this.#tally.aside(source, 'expired', true, offsets)
  }

  /** A source record's final outcome, for the flood guard. */
  verdict(source: string, dead: boolean): void {
    const verdicts = this.#verdicts.get(source)
    if (verdicts) verdicts.push(dead)
    else this.#verdicts.set(source, [dead])
  }

  takeVerdicts(): ReadonlyMap<string, readonly boolean[]> {
    const taken = this.#verdicts
    this.#verdicts = new Map()
    return taken
  }

  takeWrites(): ReadonlyMap<SinkNode, readonly Record[]> {
    const taken = this.#writes
    this.#writes = new Map()
    return taken
  }

  /** All of it as a unit, or undefined where there is nothing to commit. */
  take(
    group: string,
    task: string,
    member: GroupMember | undefined,
    state: readonly StateChange[],
    global: readonly StateChange[],
  ): Unit | undefined {
    const unit: Unit = {
      group,
      task,
      ...(member && { member }),
      outputs: this.#outputs,
      offsets: [...this.#offsets.values()],
      state,
      ...(global.length > 0 && { global }),
      counts: this.#tally.take(),
    }
    this.#outputs = []
    this.#taken = this.#made
    this.#made = []
    this.#offsets = new Map()
    const empty = [unit.outputs, unit.offsets, unit.state, global, unit.counts].every((part) => part.length === 0)
    return empty ? undefined : unit
  }
}
