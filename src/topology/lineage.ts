import type { Count, Position } from '../broker/broker.ts'
import type { Format } from '../component/source.ts'
import type { Origin, RawRecord, StoredRecord } from '../record/record.ts'
import type { FailedPart } from './departure.ts'
import type { SentBack } from '../deadletter/redriveRecord.ts'
import type { Tried } from './retries.ts'

export const entered = 1
export const emitted = 2
export const dropped = 4
export const dead = 8
/** Counted in the stream, but not by this lineage. */
export const elsewhere = 16
/** A letter was written that says that it counts as dead there. */
const claimed = 32

/** A letter that a record was sent back for. */
export interface Redriven extends SentBack {
  /** It came back as a letter, or went on by an internal topic: what becomes of it is said there. */
  ended?: 'back' | 'on'
}

/**
 * A source record on its way through a task, and the origin of everything made from it. It is counted once per stream,
 * when none of its parts is under way any more: dead if any part died, else emitted if any was emitted, else dropped.
 */
export class Lineage implements Origin {
  readonly source: string
  /** The source of the task that it is counted under: its own, or an internal topic that it came by. */
  readonly input: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly timestamp: number
  raw: RawRecord
  /** Where it was read: its origin, or a place on a retry topic. */
  readonly place: Position
  /** Whether it waits behind an earlier record of its key. */
  parked = false
  /** How often it was redriven, beyond what its headers say. */
  hops = 0
  /** The letters that it was sent back for, and is under way for. */
  readonly redriven: Redriven[] = []
  /** Whether it came back by a lane, as a record of its own. */
  byLane = false
  /** The only streams that it goes to from its source; all that read it when undefined. */
  leading: ReadonlySet<string> | undefined
  /** Parts under way, over all streams. */
  pending = 0
  /** Parts that failed and may pass later, which wait for the others to be done. */
  departing: FailedPart[] | undefined
  /** How often it ran from its source record on, where that is how it is retried. */
  tried: Tried | undefined
  /** Letters of its parts that died, if any did: it may run there again, and has each letter once. */
  buried: Set<string> | undefined
  /** What happened to it in each stream, by the stream's number in the plan. */
  readonly marks: number[] = [0]
  /** Whether what the broker keeps of it, if anything, is out of date. */
  stale = true
  kept = false
  /** How its value was read, so that a value which nobody changed is written as it came; unknown after a restart. */
  read: { readonly value: unknown; readonly format: Format } | undefined

  constructor(source: string, raw: StoredRecord, place: Position = raw, input = source) {
    this.source = source
    this.input = input
    this.topic = raw.topic
    this.partition = raw.partition
    this.offset = raw.offset
    this.timestamp = raw.timestamp
    this.raw = raw
    this.place = place
  }

  /** @returns whether the stream sees this record for the first time */
  mark(stream: number, what: number): boolean {
    const before = this.marks[stream] ?? 0
    if ((before & what) === what) return false
    this.marks[stream] = before | what
    this.stale = true
    return (before & entered) === 0
  }

  /** It runs from its source record on once more. */
  runAgain(tried: Tried | undefined): void {
    this.tried = tried
    this.stale = true
  }

  /** A part of it died. @returns whether none did there before */
  bury(letter: string): boolean {
    if (this.buried?.has(letter)) return false
    this.buried = (this.buried ?? new Set()).add(letter)
    this.stale = true
    return true
  }

  /** What happened to it, by the stream's name: its number may be another one elsewhere. */
  marksByName(streams: readonly string[]): { readonly [stream: string]: number } {
    // Streams that the record never entered are holes in the list, or have no mark.
    return Object.fromEntries(this.marks.flatMap((mark, stream) => (mark > 0 ? [[streams[stream]!, mark]] : [])))
  }

  setMarks(marks: { readonly [stream: string]: number }, streams: readonly string[]): void {
    streams.forEach((name, stream) => (this.marks[stream] = marks[name] ?? 0))
  }

  /** It is redriven from one of its letters: nothing of it is dead for now. @param place the id of the letter of where it died */
  revive(place: string): void {
    this.buried?.delete(place)
    this.hops++
    this.stale = true
    for (let stream = 0; stream < this.marks.length; stream++) this.marks[stream]! &= ~(dead | claimed)
  }

  /** It is dead in a stream by a letter that is open. */
  markDead(stream: number): void {
    this.mark(stream, dead | claimed)
  }

  /** The streams where it counts as dead by the letter that is written now: those that no earlier letter of it was for. */
  claim(): ReadonlySet<number> {
    const streams = new Set<number>()
    for (let stream = 0; stream < this.marks.length; stream++) {
      const mark = this.marks[stream] ?? 0
      if ((mark & dead) === 0 || (mark & (elsewhere | claimed)) !== 0) continue
      this.marks[stream] = mark | claimed
      streams.add(stream)
    }
    return streams
  }

  /** The letter that a part comes back under which failed: that of the same place, else one that it was sent back for. */
  comeBack(letter: string): Redriven | undefined {
    const open = this.redriven.filter(({ ended }) => ended === undefined)
    const back = open.find((sent) => sent.letter === letter) ?? open[0]
    if (back) back.ended = 'back'
    return back
  }

  /** It goes on by an internal topic: so do the letters that it was sent back for. */
  handOn(): readonly SentBack[] {
    const open = this.redriven.filter(({ ended }) => ended === undefined)
    for (const sent of open) sent.ended = 'on'
    return open.map(({ ended: _, ...sent }) => sent)
  }

  /** The source record's final outcome in a stream; undefined in one it never entered. */
  outcome(stream: number): 'dead' | 'emitted' | 'dropped' | undefined {
    const marks = this.marks[stream] ?? 0
    if (marks & elsewhere) return undefined
    if (marks & dead) return 'dead'
    if (marks & emitted) return 'emitted'
    return marks & entered ? 'dropped' : undefined
  }

  /** Sorts by the topic, partition and offset that it was read from. */
  get id(): string {
    const { topic, partition, offset } = this.place
    return `${topic}/${partition}/${offset.toString(16).padStart(16, '0')}`
  }
}

/** The number of the stream that an operator or a sink belongs to, of which only the id is left; -1 if it is gone too. */
export const streamOf = (id: string, streams: readonly string[]): number =>
  streams.reduce(
    (best, name, at) => (id.startsWith(`${name}.`) && name.length > (streams[best]?.length ?? 0) ? at : best),
    -1,
  )

/** What is counted beside streams, in rows of their own: `read` when it begins, `emitted` when it ends. */
export const asides = { parked: '$parked', paused: '$paused', letters: '$letters', expired: '$expired' } as const
export type Aside = keyof typeof asides

export const isAside = (stream: string): boolean => Object.values<string>(asides).includes(stream)

/** How many of it are so now, of some sources. */
export const going = (counts: readonly Count[], sources: readonly string[], what: Aside): number =>
  counts
    .filter(({ source, stream }) => stream === asides[what] && sources.includes(source))
    .reduce((sum, { read, emitted }) => sum + read - emitted, 0)

/** Adds up counts of source records between two commits. */
export class Tally {
  readonly #streams: readonly string[]
  #counts = new Map<string, (Mutable<Count> | undefined)[]>()
  readonly #others: Count[] = []

  constructor(streams: readonly string[]) {
    this.#streams = [...streams, ...Object.values(asides)]
  }

  /** Counts a source record that comes to a stream for the first time. */
  enter(lineage: Lineage, stream: number): void {
    if (lineage.mark(stream, entered)) this.add(lineage.input, stream, 'read')
  }

  /** Counts a source record's final outcome in every stream that it entered. @returns whether it died in any */
  close(lineage: Lineage): boolean {
    let isDead = false
    for (let stream = 0; stream < lineage.marks.length; stream++) {
      const outcome = lineage.outcome(stream)
      if (outcome) this.add(lineage.input, stream, outcome)
      isDead ||= outcome === 'dead'
    }
    return isDead
  }

  /** Takes its outcomes back: it is redriven, and in flight again. */
  reopen(lineage: Lineage): void {
    for (let stream = 0; stream < lineage.marks.length; stream++) {
      const outcome = lineage.outcome(stream)
      if (outcome) this.add(lineage.input, stream, outcome, -1)
    }
  }

  /** Something beside the streams begins, or ends. */
  aside(source: string, what: Aside, begins: boolean, by = 1): void {
    this.add(source, this.#streams.indexOf(asides[what]), begins ? 'read' : 'emitted', by)
  }

  /** What was counted as read and dead by another task is to be counted anew. */
  uncount(source: string, stream: string): void {
    this.#others.push({ source, stream, read: -1, emitted: 0, dropped: 0, dead: -1 })
  }

  add(source: string, stream: number, what: 'read' | 'emitted' | 'dropped' | 'dead', by = 1): void {
    let ofSource = this.#counts.get(source)
    if (ofSource === undefined) this.#counts.set(source, (ofSource = []))
    const count = (ofSource[stream] ??= {
      source,
      stream: this.#streams[stream]!,
      read: 0,
      emitted: 0,
      dropped: 0,
      dead: 0,
    })
    count[what] += by
  }

  /** What was added since the last take. */
  take(): readonly Count[] {
    const taken = [...this.#counts.values()].flat().filter((count) => count !== undefined)
    this.#counts = new Map()
    return [...taken, ...this.#others.splice(0)]
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
