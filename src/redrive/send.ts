import type { SchedulerLike } from 'rxjs'
import { OutputsRefused, type Broker } from '../broker/broker.ts'
import { entryRecord, subjectOf, type LedgerEntry } from '../deadletter/ledger/entry.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import { redriveRecord } from '../deadletter/redriveRecord.ts'
import type { OutputRecord } from '../record/record.ts'
import type { Plan } from '../topology/plan.ts'
import { prepareTopics } from '../topology/prepareTopics.ts'
import { Canary, type CanaryResult } from './canary.ts'
import { ensureLedgers } from './ensureLedgers.ts'
import type { Fix } from './fix.ts'
import { Pace } from './pace.ts'
import { bytesPerUnit, lettersPerUnit } from './unitSize.ts'
import { WaysBack } from './wayBack.ts'
import { WaysToTopic } from './wayToTopic.ts'

export interface SendOptions {
  readonly plan: Plan
  readonly broker: Broker
  readonly scheduler: SchedulerLike
  /** Where the records go on: at what failed, from their sources on, or anywhere. */
  readonly to: 'operator' | 'source' | { readonly topic: string }
  readonly fix?: Fix
  /** Letters a second, at most; as fast as it goes when absent. */
  readonly rate?: number
  /** So many go first; the others follow when all of those have passed. */
  readonly canary?: number
  /** Names the redrive. */
  readonly redrive: string
  /** Who sends them, and why. */
  readonly by: string
  readonly why: string
  /** Stops it between two chunks: what is not sent is open still. */
  readonly signal: AbortSignal
  readonly onProgress?: (sent: Sent) => void
  /** A letter was sent. */
  readonly onSent?: (letter: Letter) => void
  /** A letter stays where it is. */
  readonly onRefused?: (letter: Letter, why: string) => void
}

export interface Sent {
  readonly sent: number
  /** Letters that cannot be sent back, and stay open. */
  readonly refused: number
  /** How those that went first fared. */
  readonly canary?: CanaryResult
}

/** What one letter adds to a unit. */
interface Parcel {
  readonly letter: Letter
  readonly outputs: readonly OutputRecord[]
}

/**
 * Sends letters back. What carries one and the entry that says so are of one unit, so that a sender which dies in the middle
 * and starts again on the letters that are open still loses none and doubles none.
 * @throws BrokerError
 */
export async function sendLetters(
  letters: Iterable<Letter> | AsyncIterable<Letter>,
  options: SendOptions,
): Promise<Sent> {
  const sender = new Sender(options)
  const isOver = () => options.signal.aborted || sender.isOver
  let chunk: Parcel[] = []
  let bytes = 0
  let sending = Promise.resolve()
  /** While a unit is on its way, the letters of the next one are read. */
  const send = async (): Promise<void> => {
    await sending
    if (isOver()) return
    sending = sender.send(chunk)
    sending.catch(() => {}) // It is awaited after them.
    chunk = []
    bytes = 0
  }
  try {
    for await (const letter of letters) {
      if (isOver()) break
      const parcel = sender.pack(letter)
      if (!parcel) continue
      chunk.push(parcel)
      bytes += letter.record.value?.length ?? 0
      if (chunk.length >= sender.atOnce || bytes >= bytesPerUnit) await send()
    }
    await send()
  } finally {
    await sending
  }
  return sender.standing
}

class Sender {
  readonly #options: SendOptions
  readonly #pace: Pace
  readonly #ways: WaysBack | WaysToTopic
  /** The dead-letter topics whose ledgers are there. */
  readonly #withLedgers = new Set<string>()
  /** How many the lanes have. */
  readonly #partitions = new Map<string, number>()
  #canary: CanaryResult | undefined
  #sent = 0
  #refused = 0

  constructor(options: SendOptions) {
    this.#options = options
    this.#pace = new Pace(options.rate, options.scheduler)
    const { to, ...others } = options
    this.#ways = typeof to === 'object' ? new WaysToTopic(others.plan, to.topic) : new WaysBack({ ...others, to })
  }

  get standing(): Sent {
    return { sent: this.#sent, refused: this.#refused, ...(this.#canary && { canary: this.#canary }) }
  }

  /** Whether no more are to follow, because of those that went first. */
  get isOver(): boolean {
    return this.#canary !== undefined && this.#canary.passed < this.#canary.sent
  }

  /** How many go at once. */
  get atOnce(): number {
    const first = this.#goesFirst ? this.#options.canary! : Infinity
    return Math.min(lettersPerUnit, this.#pace.most, first)
  }

  /** Undefined for a letter that cannot be sent. */
  pack(letter: Letter): Parcel | undefined {
    const { redrive, scheduler, by, why } = this.#options
    const now = scheduler.now()
    const entry = { ...subjectOf(letter), by, redrive, at: now }
    const way = this.#ways.of(letter, now)
    if ('refusal' in way) return this.#refuse(letter, way.refusal)
    if ('output' in way) {
      const { topic } = way.output
      const said: LedgerEntry = { ...entry, to: 'resolved', why: [why, `sent to ${topic}`].filter(Boolean).join('; ') }
      return { letter, outputs: [way.output, entryRecord(letter.topic, said)] }
    }
    const said: LedgerEntry = { ...entry, to: 'redriving', why }
    return { letter, outputs: [redriveRecord(way.facts, way.lane, now), entryRecord(letter.topic, said)] }
  }

  async send(parcels: readonly Parcel[]): Promise<void> {
    if (parcels.length === 0) return
    const { broker, signal, onSent, onProgress } = this.#options
    await this.#pace.wait(parcels.length, signal)
    if (signal.aborted) return
    await this.#prepare(parcels)
    const fitting = parcels.filter((parcel) => this.#fits(parcel))
    const canary = this.#goesFirst
      ? await Canary.of(
          fitting.map(({ letter }) => letter),
          this.#options,
        )
      : undefined
    const sent = await this.#commit(fitting, broker)
    this.#sent += sent.length
    for (const { letter } of sent) onSent?.(letter)
    onProgress?.(this.standing)
    // Where all of them are refused, the next ones go first.
    if (canary && sent.length > 0) this.#canary = await canary.outcome(sent.map(({ letter }) => letter))
  }

  /** Others may have written any number, and topics are made anew with fewer partitions. */
  #fits({ letter, outputs }: Parcel): boolean {
    const lane = outputs.find(({ topic, partition = 0 }) => partition >= (this.#partitions.get(topic) ?? Infinity))
    if (lane) this.#refuse(letter, fromNowhere(lane.partition!, this.#partitions.get(lane.topic)!))
    return lane === undefined
  }

  get #goesFirst(): boolean {
    return this.#options.canary !== undefined && this.#canary === undefined
  }

  /** @returns those that went: what is too large for a topic stays where it is */
  async #commit(parcels: readonly Parcel[], broker: Broker): Promise<readonly Parcel[]> {
    const outputs = parcels.flatMap((parcel) => parcel.outputs)
    if (outputs.length === 0) return []
    try {
      await broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
      return parcels
    } catch (thrown) {
      if (!(thrown instanceof OutputsRefused)) throw thrown
      const reasons = new Map(Array.from(thrown.reasons, ([at, reason]) => [outputs[at], reason]))
      const isRefused = (parcel: Parcel) => parcel.outputs.some((output) => reasons.has(output))
      for (const { letter, outputs: own } of parcels.filter(isRefused))
        this.#refuse(letter, own.flatMap((output) => reasons.get(output) ?? [])[0]!)
      return this.#commit(
        parcels.filter((parcel) => !isRefused(parcel)),
        broker,
      )
    }
  }

  #refuse(letter: Letter, why: string): undefined {
    this.#refused++
    this.#options.onRefused?.(letter, why)
  }

  /** Creates the lanes, and the ledgers. */
  async #prepare(parcels: readonly Parcel[]): Promise<void> {
    const { plan, broker } = this.#options
    if (this.#partitions.size === 0) {
      const lanes = plan.topics.filter(({ partitionsOf }) => partitionsOf !== undefined)
      await prepareTopics(broker, lanes)
      for (const { name, partitions } of await broker.topics(lanes.map((lane) => lane.name)))
        this.#partitions.set(name, partitions.length)
    }
    const topics = new Set(parcels.map(({ letter }) => letter.topic))
    const fresh = [...topics].filter((topic) => !this.#withLedgers.has(topic))
    if (fresh.length > 0) await ensureLedgers(broker, plan, fresh)
    for (const topic of fresh) this.#withLedgers.add(topic)
  }
}

const fromNowhere = (partition: number, count: number): string =>
  `it says that it came from partition ${partition}, and the source has ${count}, counted from 0`
