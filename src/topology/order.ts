import type { HeldPart } from './held.ts'
import type { Lineage, Tally } from './lineage.ts'
import { increment } from './meter.ts'
import type { ParkedLimit } from './plan.ts'
import { detached, nameOf, Sequence, Shelved } from './sequence.ts'

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
  /** Counts what is parked. */
  readonly tally: Tally
  /** The first of the parked records of a key may go on. */
  begin(lineage: Lineage): void
  /** There is more room. */
  freed(): void
  /** Runs now, or after the commit that is under way: what goes on in between would be in no unit. */
  soon(action: () => void): void
  /** Runs when the unit is committed that is being drafted. */
  later(action: () => void): void
  /** Nothing holds the lineage any more. */
  forget(lineage: Lineage): void
  /** Reads back what was committed of a record, or of a part of it. */
  load(id: string): Lineage
  loadPart(key: string, lineage: Lineage): HeldPart
  /** Where the task's state has a part. */
  keyOf(part: HeldPart): string
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
  /** What was parked or died since the last unit. */
  #fresh = new Map<Lineage, Shelved>()
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
    this.#host.tally.aside(lineage.input, 'parked', true)
    return true
  }

  /** The record is under way: those of its key that come later wait for it. */
  hold(lineage: Lineage): void {
    if (this.#isOrdered(lineage)) this.#open(lineage).current = lineage
  }

  /** A part of the record died. @returns whether its letter holds up the key */
  died(lineage: Lineage, letter: string, part: HeldPart): boolean {
    if (!this.#isOrdered(lineage)) return false
    const sequence = this.#open(lineage)
    sequence.current = lineage
    sequence.letters.set(letter, part)
    this.#byLetter.set(letter, sequence)
    return true
  }

  /** What died of a record that is under way, letters that are open. */
  lettersOf(lineage: Lineage): HeldPart[] {
    const letters = this.#sequences.get(nameOf(lineage))?.letters.values() ?? []
    return Array.from(letters, (part) => this.#part(part, lineage))
  }

  /** The record has its final outcome, for now: a dead one may be redriven. */
  ended(lineage: Lineage): void {
    if (this.#sequences.size === 0) return
    const name = nameOf(lineage)
    const sequence = this.#sequences.get(name)
    if (sequence?.current !== lineage) return
    sequence.current = undefined
    if (sequence.letters.size === 0) return this.#free(name, sequence)
    sequence.dead = this.#shelve(lineage)
    this.#blocked += sequence.waiting.length
  }

  /** Takes a letter away, to be redriven. @returns undefined where nothing waits for it */
  redrive(letter: string): Redriven | undefined {
    const sequence = this.#byLetter.get(letter)
    if (!sequence) return undefined
    if (sequence.dead) {
      this.#blocked -= sequence.waiting.length
      sequence.current = this.#fetch(sequence.dead)
      sequence.dead = undefined
    }
    const lineage = sequence.current!
    const part = this.#part(sequence.letters.get(letter)!, lineage)
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
      const sequence = this.#open(lineage)
      this.#park(sequence, lineage)
      if (!sequence.current && !sequence.dead) this.#ready.add(nameOf(lineage))
    }
    this.shelved()
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

  /** Those that were parked or died since the last unit, and are so still: they belong into the next one. */
  get fresh(): Iterable<Lineage> {
    return this.#fresh.keys()
  }

  /** They are in the unit: nothing of them is needed before it is committed. */
  shelved(): void {
    for (const [lineage, entry] of this.#fresh) {
      entry.lineage = undefined
      const sequence = this.#sequences.get(nameOf(lineage))!
      if (sequence.dead !== entry) continue
      for (const [letter, part] of sequence.letters)
        if (typeof part !== 'string') sequence.letters.set(letter, this.#host.keyOf(part))
    }
    this.#fresh = new Map()
  }

  #next(name: string): void {
    const sequence = this.#sequences.get(name)!
    const entry = sequence.waiting.take()
    if (!entry) return void this.#sequences.delete(name)
    const lineage = this.#fetch(entry)
    sequence.current = lineage
    lineage.parked = false
    lineage.stale = true
    increment(this.#parked, sequence.source, -1)
    this.#host.tally.aside(sequence.source, 'parked', false)
    this.#host.begin(lineage)
  }

  #free(name: string, sequence: Sequence): void {
    if (sequence.waiting.length === 0) return void this.#sequences.delete(name)
    this.#ready.add(name)
    if (!this.#draining) this.#host.soon(() => this.drain())
  }

  #park(sequence: Sequence, lineage: Lineage): void {
    lineage.parked = true
    sequence.waiting.push(this.#shelve(lineage))
    if (sequence.dead) this.#blocked++
    increment(this.#parked, sequence.source)
  }

  #open(lineage: Lineage): Sequence {
    const name = nameOf(lineage)
    const sequence = this.#sequences.get(name) ?? new Sequence(lineage.input)
    this.#sequences.set(name, sequence)
    return sequence
  }

  /** A record comes to stay here. */
  #shelve(lineage: Lineage): Shelved {
    lineage.raw = detached(lineage.raw)
    lineage.stale = true
    const entry = new Shelved(lineage)
    this.#fresh.set(lineage, entry)
    this.#count(lineage, 1)
    return entry
  }

  /** It leaves. */
  #fetch({ id, lineage = this.#host.load(id) }: Shelved): Lineage {
    this.#fresh.delete(lineage)
    this.#count(lineage, -1)
    this.#host.freed()
    return lineage
  }

  #part(part: HeldPart | string, lineage: Lineage): HeldPart {
    return typeof part === 'string' ? this.#host.loadPart(part, lineage) : part
  }

  #count({ raw: { key, value } }: Lineage, change: 1 | -1): void {
    this.#size += change
    this.#bytes += change * ((key?.length ?? 0) + (value?.length ?? 0))
  }

  #isOrdered({ input, raw, byLane }: Lineage): boolean {
    return raw.key !== null && !byLane && this.#host.ordered.has(input)
  }
}
