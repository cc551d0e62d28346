import type { Fault } from '../record/fault.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { contentsOf } from './contents.ts'
import { arrival } from './departure.ts'
import type { Failures } from './failures.ts'
import { Lineage, type Tally } from './lineage.ts'
import type { KeyOrder } from './order.ts'
import type { PlannedSource } from './plan.ts'
import { arrived } from './repartition.ts'
import type { Reader } from './wire.ts'

export interface EntranceHost {
  readonly sources: ReadonlyMap<string, PlannedSource>
  /** Names of the streams, by their numbers. */
  readonly streams: readonly string[]
  /** The streams that read a source. */
  readonly readers: ReadonlyMap<string, readonly Reader[]>
  readonly tally: Tally
  readonly order: KeyOrder
  readonly failures: Failures
  /** A record comes to a stream. */
  enter(reader: Reader, record: Record): void
  /** One part of a source record is done. */
  settle(lineage: Lineage): void
  /** A source record is not done yet. */
  keep(lineage: Lineage): void
}

/** Where records come into a task: by the topic of a source, by a retry topic, or by an internal one. */
export class Entrance {
  readonly #host: EntranceHost

  constructor(host: EntranceHost) {
    this.#host = host
  }

  /** Takes a record of a source, or what comes by the lane of one: a dead letter, or a command for some. */
  feed(record: StoredRecord): void {
    const { sources, streams, failures, order, tally } = this.#host
    const source = sources.get(record.topic)
    if (!source) return failures.deadLetters.obey(record)
    if (source.retriesOf !== undefined) return this.#arrive(record, source, streams)
    if (source.origins) return this.#goOn(record, source)
    const lineage = new Lineage(source.name, record)
    if (!order.parks(lineage)) return this.begin(lineage)
    for (const { stream } of this.#readersOf(lineage)) tally.enter(lineage, stream.number)
  }

  /** A source record begins, or goes on after it was parked or dead. @param enter how, where it does not run from its start on */
  begin(lineage: Lineage, enter?: () => void): void {
    lineage.pending = 1
    if (enter) enter()
    else this.run(lineage)
    this.#host.settle(lineage)
    if (lineage.pending > 0) this.#host.keep(lineage)
  }

  /** A source record enters the streams that read it. */
  run(lineage: Lineage): void {
    const contents = contentsOf(lineage, this.#host.sources.get(lineage.input)!)
    if ('fault' in contents) return this.#refuse(lineage, contents.fault)
    this.#enter(contents.record)
  }

  /** A record came by a retry topic: its parts wait here until they are due. */
  #arrive(record: StoredRecord, source: PlannedSource, streams: readonly string[]): void {
    const { lineage, parts, fault } = arrival(record, source, streams)
    this.begin(lineage, () => {
      lineage.pending += parts.length
      for (const part of parts) this.#host.failures.wait(part)
      if (fault) this.#refuse(lineage, fault)
    })
  }

  /** A record came by an internal topic: it goes on where it left, by its new key. */
  #goOn(stored: StoredRecord, source: PlannedSource): void {
    const found = arrived(stored, source)
    this.begin(found.lineage, () => {
      if ('fault' in found) this.#refuse(found.lineage, found.fault)
      else this.#enter(found.record)
    })
  }

  #enter(record: Record): void {
    const lineage = record.origin as Lineage
    const { leading } = lineage
    for (const reader of this.#readersOf(lineage))
      if (leading?.has(reader.stream.name) ?? true) this.#host.enter(reader, record)
  }

  #refuse(lineage: Lineage, fault: Fault): void {
    const streams = this.#readersOf(lineage).map(({ stream }) => stream.number)
    this.#host.failures.deadLetters.refuse(lineage, streams, fault)
  }

  #readersOf({ input }: Lineage): readonly Reader[] {
    return this.#host.readers.get(input) ?? []
  }
}
