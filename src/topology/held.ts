import type { Position, StateChange, StateReader, TopicPartition } from '../broker/broker.ts'
import type { FailureTime } from '../deadletter/ledger/entry.ts'
import type { Fault } from '../record/fault.ts'
import type { Record, StoredRecord } from '../record/record.ts'
import { decode, encode } from './encoded.ts'
import { Lineage, type Redriven } from './lineage.ts'
import type { Retry, Tried } from './retries.ts'
import { increment } from './meter.ts'

const lineages = '$lineages'
const parts = '$parts'

/**
 * The name of the state of a partition's tasks. Operators, streams and topics have names of their own in a pipeline, so
 * its sub-topologies can share it, and a config whose sub-topologies are others finds everything where it was.
 */
export const stateOf = (partition: number): string => String(partition)

/** A set of names, or a map by name. */
interface Names {
  has(name: string): boolean
}

/** How many records are under way of sources that nobody has now. */
export function strandedIn(state: StateReader, known: Names): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const [, bytes] of state.entries(lineages)) {
    const { source, input = source } = decode<KeptLineage>(bytes)
    if (!known.has(input)) increment(counts, source)
  }
  return counts
}

/** A failure that has a letter. */
export interface FailedLetter extends FailureTime {
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number
}

/** A record at a node at the time of a commit: inside an operator, or waiting to be tried again. */
export interface HeldPart {
  readonly node: string
  readonly record: Record
  readonly retry?: Retry
  /** The id of its dead letter: it died here, and holds up its key. */
  readonly letter?: string
  /** The failure that it is the letter of. */
  readonly failed?: FailedLetter
  /** Why it failed, of a part that waits until the others of its record are done. */
  readonly fault?: Pick<Fault, 'code' | 'message'>
}

/** What a task committed last. */
interface Kept {
  readonly state: StateReader
  /** Where its group goes on in a partition. */
  readonly committed: (place: TopicPartition) => bigint | undefined
}

/** What was under way, parked or holding up its key when a task committed last; the oldest first. */
export interface Restored {
  readonly parts: readonly HeldPart[]
  readonly dead: readonly HeldPart[]
  readonly parked: readonly Lineage[]
}

/**
 * Records that are under way when their unit commits. They are part of the unit, as Flink's asynchronous operators keep
 * theirs in a checkpoint: a commit waits for nobody, and a restart goes on where each of them stood.
 */
export class Held {
  /** Added since the last commit. */
  readonly #fresh = new Map<string, HeldPart>()
  /** Those that the broker has, whether it is to write them anew or not. */
  readonly #kept = new Set<string>()
  /** Those that the broker still has and is to forget. */
  readonly #gone = new Set<string>()
  /** Source records that the broker still has, and that will be read again. */
  readonly #stale = new Set<string>()

  add(part: HeldPart): void {
    const key = keyOf(part)
    if (this.#gone.delete(key)) this.#kept.add(key)
    this.#fresh.set(key, part)
  }

  remove(part: HeldPart): void {
    const key = keyOf(part)
    this.#fresh.delete(key)
    if (this.#kept.delete(key)) this.#gone.add(key)
  }

  /** How many parts there are at each node. */
  get places(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const key of new Set([...this.#fresh.keys(), ...this.#kept])) increment(counts, key.split('/')[3]!)
    return counts
  }

  /** What changed since the last commit. @param open the lineages under way @param closed those that are so no more */
  take(open: Iterable<Lineage>, closed: Iterable<Lineage>, streams: readonly string[]): StateChange[] {
    const changes: StateChange[] = []
    for (const key of this.#gone) changes.push({ store: parts, key, value: null })
    for (const [key, part] of this.#fresh) {
      changes.push({ store: parts, key, value: encodePart(part) })
      this.#kept.add(key)
    }
    for (const id of this.#stale) changes.push({ store: lineages, key: id, value: null })
    this.#stale.clear()
    this.#gone.clear()
    this.#fresh.clear()
    for (const lineage of closed) if (lineage.kept) changes.push({ store: lineages, key: lineage.id, value: null })
    for (const lineage of open) {
      if (!lineage.stale) continue
      changes.push({ store: lineages, key: lineage.id, value: encodeLineage(lineage, streams) })
      lineage.kept = true
      lineage.stale = false
    }
    return changes
  }

  /**
   * Parts under way are counted in their lineages; only those of the task's own sources are taken up. Where state is
   * written before offsets (at least once), a crash between leaves records in both: what will be read again is forgotten.
   */
  restore({ state, committed }: Kept, streams: readonly string[], sources: Names): Restored {
    const own = new Map<string, Lineage>()
    for (const [key, bytes] of state.entries(lineages)) {
      const lineage = decodeLineage(bytes, streams)
      const isPast = lineage.place.offset < (committed(lineage.place) ?? 0n)
      if (!sources.has(lineage.input)) continue
      if (isPast) own.set(key, lineage)
      else this.#stale.add(key)
    }
    const found = [...state.entries(parts)].flatMap(([key, bytes]): HeldPart[] => {
      const { origin, record, ...rest } = decode<KeptPart>(bytes)
      const lineage = own.get(origin)
      if (this.#stale.has(origin)) this.#gone.add(key)
      if (!lineage) return []
      this.#kept.add(key)
      if (rest.letter === undefined) lineage.pending++
      return [{ ...rest, record: { ...record, origin: lineage } }]
    })
    return {
      parts: found.filter(({ letter }) => letter === undefined),
      dead: found.filter(({ letter }) => letter !== undefined),
      parked: [...own.values()].filter(({ parked }) => parked),
    }
  }
}

/** Reads back what was committed of records that are parked, or dead and holding up their keys. */
export const shelf = (state: StateReader, streams: readonly string[]) => ({
  /** Where a part is. */
  keyOf,
  load: (id: string): Lineage => decodeLineage(state.get(lineages, id)!, streams),
  loadPart: (key: string, lineage: Lineage): HeldPart => {
    const { origin: _, record, ...rest } = decode<KeptPart>(state.get(parts, key)!)
    return { ...rest, record: { ...record, origin: lineage } }
  },
})

interface KeptPart {
  readonly node: string
  /** The lineage's id. */
  readonly origin: string
  readonly record: Omit<Record, 'origin'>
  readonly retry?: Retry
  readonly letter?: string
  readonly failed?: FailedLetter
  readonly fault?: Pick<Fault, 'code' | 'message'>
}

interface KeptLineage {
  readonly source: string
  /** Where it came by an internal topic. */
  readonly input?: string
  readonly raw: StoredRecord
  /** Where it was read, if that is not where it comes from. */
  readonly place?: Position
  /** By the stream's name: its number may be another one after a restart. */
  readonly marks: { readonly [stream: string]: number }
  readonly parked?: true
  readonly hops?: number
  readonly redriven?: readonly Redriven[]
  readonly byLane?: true
  readonly tried?: Tried
  readonly buried?: Set<string>
}

const keyOf = ({ node, record }: HeldPart): string => `${(record.origin as Lineage).id}/${node}/${record.index}`

function encodePart({ record, ...rest }: HeldPart): Buffer {
  const { origin, ...own } = record
  return encode({ ...rest, origin: (origin as Lineage).id, record: own } satisfies KeptPart)
}

function encodeLineage(lineage: Lineage, streams: readonly string[]): Buffer {
  const { source, input, topic, partition, offset, raw, place, parked, hops, redriven, byLane, tried, buried } = lineage
  const { key, value, headers, timestamp } = raw
  const isElsewhere = place.topic !== topic
  return encode({
    source,
    ...(input !== source && { input }),
    raw: { key, value, headers, timestamp, topic, partition, offset },
    ...(isElsewhere && { place: { topic: place.topic, partition: place.partition, offset: place.offset } }),
    marks: lineage.marksByName(streams),
    ...(parked && { parked }),
    ...(hops > 0 && { hops }),
    ...(redriven.length > 0 && { redriven }),
    ...(byLane && { byLane }),
    ...(tried && { tried }),
    ...(buried && { buried }),
  } satisfies KeptLineage)
}

function decodeLineage(bytes: Buffer, streams: readonly string[]): Lineage {
  const kept = decode<KeptLineage>(bytes)
  const { source, input, raw, place, marks, parked = false, hops = 0, tried, buried } = kept
  const lineage = new Lineage(source, raw, place, input)
  lineage.parked = parked
  lineage.hops = hops
  lineage.redriven.push(...(kept.redriven ?? []))
  lineage.byLane = kept.byLane ?? false
  lineage.kept = true
  lineage.stale = false
  lineage.tried = tried
  lineage.buried = buried
  lineage.setMarks(marks, streams)
  return lineage
}
