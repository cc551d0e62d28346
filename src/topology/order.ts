import type { RawRecord } from '../record/record.ts'
import type { HeldPart } from './held.ts'
import { keyText } from './lane.ts'
import type { Lineage } from './lineage.ts'
import { increment } from './meter.ts'
import type { ParkedLimit, PlannedSource } from './plan.ts'
import { Queue } from './queue.ts'

/** Records of one key of one source. */
interface Sequence {
  readonly source: string
  /** Under way, or dead with letters that hold up the key; undefined while the next one is on its way in. */
  current: Lineage | undefined
  /** What died of it, by the ids of the letters. */
  readonly letters: Map<string, HeldPart>
  /** Parked behind it, in the order of their offsets. */
  readonly waiting: Queue<Lineage>
  /** Whether they wait for somebody to do something about the letters. */
  blocked: boolean
}

/** The part that died, of which source record, and what waits behind it. */
interface Redriven {
  readonly lineage: Lineage
  readonly part: HeldPart
  readonly sequence: Sequence
}

export interface OrderHost {
  /** The sources whose records are kept in order. */
  readonly ordered: ReadonlySet<string>
  /** What may be parked, dead records that hold up their keys included. */
  readonly most: ParkedLimit
  /** The first of the parked records of a key may go on. */
  begin(lineage: Lineage): void
  /** Runs when the unit is committed that is being drafted. */
  later(action: () => void): void
  /** Nothing holds the lineage any more. */
  forget(lineage: Lineage): void
}

/** So many parked records go on in one unit at most. */
const mostAtOnce = 4_000

/**
 * Keeps the records of a key in their order where `deadLetters.order` is `key`: one is under way at a time, and the later
 * ones are parked behind it, through its retries and behind its dead letters, until those are redriven or discarded or the
 * key is released. Axon's SequencedDeadLetterQueue gave the idea.
 */
export class KeyOrder {
  readonly #host: OrderHost
  readonly #sequences = new Map<string, Sequence>()
  readonly #byLetter = new Map<string, Sequence>()
  /** Keys whose next record may go on. */
  readonly #ready = new Set<string>()
  #draining = false
  #changed = new Set<Lineage>()
  readonly #parked = new Map<string, number>()
  #blocked = 0
  #size = 0
  #bytes = 0

  constructor(host: OrderHost) {
    this.#host = host
  }

  /** Records that are parked, and dead ones that hold up their keys. */
  get size(): number {
    return this.#size
  }

  /** Bytes of keys and values of them. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether there are as many as the sources allow. */
  get full(): boolean {
    const { records, bytes } = this.#host.most
    return this.#size >= records || this.#bytes >= bytes
  }

  /** Parked records by source. */
  get parked(): ReadonlyMap<string, number> {
    return this.#parked
  }

  /** How many records are parked behind dead letters: they do not go on by themselves. */
  get blocked(): number {
    return this.#blocked
  }

  /** Whether an earlier record of the key is under way or dead. The record is parked then. */
  parks(lineage: Lineage): boolean {
    if (this.#sequences.size === 0 || !this.#isOrdered(lineage)) return false
    const sequence = this.#sequences.get(nameOf(lineage))
    if (!sequence) return false
    this.#park(sequence, lineage)
    return true
  }

  /** The record is under way: those of its key that come later wait for it. */
  hold(lineage: Lineage): void {
    if (this.#isOrdered(lineage)) this.#open(lineage)
  }

  /** A part of the record died. @returns whether its letter holds up the key */
  died(lineage: Lineage, letter: string, part: HeldPart): boolean {
    if (!this.#isOrdered(lineage)) return false
    const sequence = this.#open(lineage)
    sequence.letters.set(letter, part)
    this.#byLetter.set(letter, sequence)
    return true
  }

  /** What died of the record, letters that are open. */
  lettersOf(lineage: Lineage): Iterable<HeldPart> {
    return this.#sequences.get(nameOf(lineage))?.letters.values() ?? []
  }

  /** The record has its final outcome, for now: a dead one may be redriven. */
  ended(lineage: Lineage): void {
    if (this.#sequences.size === 0) return
    const name = nameOf(lineage)
    const sequence = this.#sequences.get(name)
    if (sequence?.current !== lineage) return
    if (sequence.letters.size === 0) return this.#free(name, sequence)
    sequence.blocked = true
    this.#blocked += sequence.waiting.length
    this.#count(lineage, 1)
  }

  /** Takes a letter away, to be redriven. @returns undefined where nothing waits for it */
  redrive(letter: string): Redriven | undefined {
    const sequence = this.#byLetter.get(letter)
    if (!sequence) return undefined
    const lineage = sequence.current!
    if (sequence.blocked) {
      sequence.blocked = false
      this.#blocked -= sequence.waiting.length
      this.#count(lineage, -1)
    }
    const part = sequence.letters.get(letter)!
    sequence.letters.delete(letter)
    this.#byLetter.delete(letter)
    return { lineage, part, sequence }
  }

  /** Letters stay dead. @returns what died; when no letter is left, the next record of the key goes on */
  discard(letters: Iterable<string>): HeldPart[] {
    const parts: HeldPart[] = []
    for (const letter of letters) {
      const found = this.redrive(letter)
      if (!found) continue
      parts.push(found.part)
      if (found.lineage.pending > 0) continue
      if (found.sequence.letters.size === 0) this.#host.forget(found.lineage)
      this.ended(found.lineage)
    }
    return parts
  }

  /** The letters that hold up a key of a source. */
  lettersHolding(source: string, key: string): string[] {
    return [...(this.#sequences.get(`${source}/${key}`)?.letters.keys() ?? [])]
  }

  /** Takes up what was parked at the last commit, in the order of offsets, after what is under way. */
  restore(parked: readonly Lineage[]): void {
    for (const lineage of parked) {
      const name = nameOf(lineage)
      const sequence = this.#sequences.get(name) ?? {
        source: lineage.source,
        current: undefined,
        letters: new Map(),
        waiting: new Queue<Lineage>(),
        blocked: false,
      }
      this.#sequences.set(name, sequence)
      this.#park(sequence, lineage)
      if (!sequence.current) this.#ready.add(name)
    }
    this.#changed.clear()
    this.drain()
  }

  /** Lets the next records of keys that are free go on, each key's as far as they come. */
  drain(): void {
    if (this.#draining) return
    this.#draining = true
    try {
      let count = 0
      for (const name of this.#ready) {
        if (++count > mostAtOnce) return this.#host.later(() => this.drain())
        this.#ready.delete(name)
        this.#next(name)
      }
    } finally {
      this.#draining = false
    }
  }

  /** Those that were parked or died since the last take, and are so still. */
  takeChanged(): Iterable<Lineage> {
    const changed = this.#changed
    this.#changed = new Set()
    return changed
  }

  #next(name: string): void {
    const sequence = this.#sequences.get(name)!
    const lineage = sequence.waiting.take()
    if (!lineage) return void this.#sequences.delete(name)
    sequence.current = lineage
    lineage.parked = false
    lineage.stale = true
    increment(this.#parked, sequence.source, -1)
    this.#count(lineage, -1)
    this.#host.begin(lineage)
  }

  #free(name: string, sequence: Sequence): void {
    sequence.current = undefined
    if (sequence.waiting.length === 0) return void this.#sequences.delete(name)
    this.#ready.add(name)
    this.drain()
  }

  #park(sequence: Sequence, lineage: Lineage): void {
    lineage.parked = true
    sequence.waiting.push(lineage)
    if (sequence.blocked) this.#blocked++
    increment(this.#parked, sequence.source)
    this.#count(lineage, 1)
  }

  #open(lineage: Lineage): Sequence {
    const name = nameOf(lineage)
    const known = this.#sequences.get(name)
    if (known) {
      known.current ??= lineage
      return known
    }
    const sequence = {
      source: lineage.source,
      current: lineage,
      letters: new Map<string, HeldPart>(),
      waiting: new Queue<Lineage>(),
      blocked: false,
    }
    this.#sequences.set(name, sequence)
    return sequence
  }

  /** A record stays here, or leaves. */
  #count(lineage: Lineage, change: 1 | -1): void {
    const { key, value } = lineage.raw
    this.#size += change
    this.#bytes += change * ((key?.length ?? 0) + (value?.length ?? 0))
    if (change < 0) return void this.#changed.delete(lineage)
    lineage.raw = detached(lineage.raw)
    lineage.stale = true
    this.#changed.add(lineage)
  }

  #isOrdered({ source, raw }: Lineage): boolean {
    return raw.key !== null && this.#host.ordered.has(source)
  }
}

/** Which sources of a task are kept in order, and how much may be parked in it: the most that one of them allows. */
export function limitOf(sources: Iterable<PlannedSource>): Pick<OrderHost, 'ordered' | 'most'> {
  const limits = [...sources].flatMap(({ name, deadLetters: { parked } }) => (parked ? [{ name, ...parked }] : []))
  return {
    ordered: new Set(limits.map(({ name }) => name)),
    most: {
      records: Math.max(0, ...limits.map(({ records }) => records)) || Infinity,
      bytes: Math.max(0, ...limits.map(({ bytes }) => bytes)) || Infinity,
    },
  }
}

/** What tells sequences apart; a record without a key has a sequence of its own. */
const nameOf = ({ source, id, raw: { key } }: Lineage): string =>
  key === null ? `${source} ${id}` : `${source}/${keyText(key)}`

/** A copy with bytes of its own: what comes from a broker shares those of a whole batch. */
function detached({ key, value, headers, timestamp }: RawRecord): RawRecord {
  return {
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: headers.map(([name, bytes]) => [name, bytes && Buffer.from(bytes)] as const),
    timestamp,
  }
}
