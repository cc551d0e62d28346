import type { Broker } from '../broker/broker.ts'
import { openEmbedded } from '../broker/embedded/embedded.ts'
import type { Log } from '../component/context.ts'
import { readEntry, ledgerOf } from '../deadletter/ledger/entry.ts'
import { fingerprintOfLetter } from '../deadletter/fingerprint.ts'
import { readLetter, type Letter } from '../deadletter/readLetter.ts'
import type { Origin, Record } from '../record/record.ts'
import { VirtualClock } from '../testing/clock.ts'
import { endsWithin } from '../testing/watchdog.ts'
import { Pipeline } from '../topology/pipeline.ts'
import { externalSources, type Plan } from '../topology/plan.ts'
import { prepareTopics } from '../topology/prepareTopics.ts'
import type { Fix } from './fix.ts'
import { homeIn } from './home.ts'
import { rehearsalPlan } from './rehearsalPlan.ts'
import { sendLetters } from './send.ts'
import { copyState } from './snapshot.ts'

export interface RehearseOptions {
  /** The new config. */
  readonly plan: Plan
  /** The real broker, which is only read. */
  readonly broker: Broker
  readonly to: 'operator' | 'source'
  readonly fix?: Fix
  /** Whether operators start with what they keep on the real broker now, or with nothing. */
  readonly state: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly log: Log
  /** Ends it: what is not known of a letter by then is not told. */
  readonly signal: AbortSignal
  readonly onProgress?: (rehearsed: number) => void
}

/** What would become of one letter. */
export interface Rehearsed {
  readonly letter: Letter
  readonly outcome: Outcome
  /** What it would be written as, to which sinks. */
  readonly outputs: readonly RehearsedOutput[]
}

export type Outcome =
  | { readonly is: 'passes' }
  /** It fails as it did, or in another way, as this letter says. */
  | { readonly is: 'same fault' | 'new fault'; readonly failed: Letter }
  /** It cannot be sent back. */
  | { readonly is: 'refused'; readonly why: string }
  /** It is held, such as by an operator that never answers. */
  | { readonly is: 'held' }

export interface RehearsedOutput {
  readonly sink: string
  readonly value: unknown
}

const lettersAtOnce = 1_000
/** Real milliseconds for which calls may be under way before virtual time moves on: they may wait for it themselves. */
const grace = 250
/** Real milliseconds after which calls that do not end are given up. */
const patience = 60_000

/**
 * Runs a config over letters without changing anything: in a pipeline of its own, on a broker in memory, whose sinks write
 * nowhere. What operators ask outside, they ask.
 * @throws what setting a component up throws, and StateUnusable where the state does not fit the config
 */
export async function* rehearse(letters: AsyncIterable<Letter>, options: RehearseOptions): AsyncGenerator<Rehearsed> {
  const clock = new VirtualClock(options.now)
  const memory = await openEmbedded({ directory: ':memory:', now: () => clock.now() })
  const rehearsal = new Rehearsal(options, memory, clock)
  try {
    await rehearsal.start()
    let [chunk, count] = [[] as Letter[], 0]
    for await (const letter of letters) {
      if (options.signal.aborted) return
      chunk.push(letter)
      if (chunk.length < lettersAtOnce) continue
      yield* await rehearsal.run(chunk)
      options.onProgress?.((count += chunk.length))
      chunk = []
    }
    if (chunk.length > 0) yield* await rehearsal.run(chunk)
  } finally {
    await rehearsal.stop()
    await memory.close()
  }
}

class Rehearsal {
  readonly #options: RehearseOptions
  readonly #memory: Broker
  readonly #clock: VirtualClock
  readonly #outputs = new Map<string, RehearsedOutput[]>()
  /** How far the topics were read that tell what became of letters. */
  readonly #read = new Map<string, bigint>()
  #plan!: Plan
  #pipeline: Pipeline | undefined

  constructor(options: RehearseOptions, memory: Broker, clock: VirtualClock) {
    this.#options = options
    this.#memory = memory
    this.#clock = clock
  }

  async start(): Promise<void> {
    const { plan, broker, state, log } = this.#options
    const live = await broker.topics(plan.topics.map(({ name }) => name))
    this.#plan = rehearsalPlan(plan, live, (sink, record) => this.#capture(sink, record))
    await prepareTopics(this.#memory, this.#plan.topics)
    if (state) await copyState(plan.name, broker, this.#memory)
    const parts = { broker: this.#memory, scheduler: this.#clock, log, once: true }
    this.#pipeline = new Pipeline({ ...parts, plan: this.#plan })
    await this.#pipeline.start()
  }

  /** Calls that do not end are given up when their time is over, which is virtual. */
  async stop(): Promise<void> {
    const stopped = this.#pipeline?.stop() ?? Promise.resolve()
    while (!(await endsWithin(stopped, grace)) && this.#clock.next !== undefined) this.#clock.step()
  }

  /** Sends letters back, and says what became of each, in their order; of none where it was aborted before that was known. */
  async run(letters: readonly Letter[]): Promise<readonly Rehearsed[]> {
    const { to, fix, signal } = this.#options
    const refused = new Map<string, string>()
    await sendLetters(letters, {
      ...{ plan: this.#plan, broker: this.#memory, scheduler: this.#clock, to, signal },
      ...{ redrive: 'rehearsal', by: 'rehearsal', why: '' },
      ...(fix && { fix }),
      onRefused: ({ id }, why) => void refused.set(id, why),
    })
    await this.#settle()
    if (signal.aborted) return []
    const topics = [...new Set(externalSources(this.#plan).map(({ deadLetters }) => deadLetters.topic))]
    const again = await this.#next(topics, readLetter)
    const failed = new Map(again.map((letter) => [letter.id, letter]))
    const entries = await this.#next([...new Set(letters.map(({ topic }) => topic))].map(ledgerOf), readEntry)
    const passed = new Set(
      entries.flatMap((entry) => ('letter' in entry && entry.to === 'resolved' ? entry.letter : [])),
    )
    const homeOf = homeIn(this.#plan)
    const rehearsed = letters.map((letter): Rehearsed => {
      const { id } = letter
      const { origin } = homeOf(letter)?.letter ?? letter
      const outputs = this.#outputs.get(placeOf(origin)) ?? []
      return { letter, outputs, outcome: outcomeOf(letter, refused.get(id), failed.get(id), passed.has(id)) }
    })
    this.#outputs.clear()
    return rehearsed
  }

  /** Until all that can happen has happened; time goes on where something waits for it. */
  async #settle(): Promise<void> {
    const pipeline = this.#pipeline!
    const { signal } = this.#options
    const isOver = () => signal.aborted || pipeline.inFlight === pipeline.blocked
    for (;;) {
      await this.#patiently(pipeline.quiet())
      if (isOver()) return
      await this.#patiently(pipeline.flush())
      await this.#patiently(pipeline.quiet())
      if (isOver() || this.#clock.next === undefined) return
      this.#clock.step()
    }
  }

  /** Until work ends, or is given up. */
  async #patiently(work: Promise<unknown>): Promise<void> {
    const { signal } = this.#options
    for (let waited = 0; !(await endsWithin(work, grace)) && waited < patience; waited += grace) {
      if (signal.aborted) return
      this.#clock.step()
    }
  }

  #capture(sink: string, { origin, value }: Record): void {
    const place = placeOf(origin)
    const outputs = this.#outputs.get(place) ?? []
    this.#outputs.set(place, outputs)
    outputs.push({ sink, value })
  }

  /** What topics have that was not read yet. */
  async #next<T>(
    topics: readonly string[],
    read: (record: Parameters<typeof readLetter>[0]) => T | undefined,
  ): Promise<T[]> {
    const found: T[] = []
    for (const { name: topic, partitions } of await this.#memory.topics(topics))
      for (const { partition, end } of partitions) {
        const place = `${topic}/${partition}`
        for (let offset = this.#read.get(place) ?? 0n; offset < end;) {
          const batch = await this.#memory.read({ topic, partition, offset }, lettersAtOnce)
          found.push(...batch.records.flatMap((record) => read(record) ?? []))
          offset = batch.next
          this.#read.set(place, offset)
        }
      }
    return found
  }
}

function outcomeOf(letter: Letter, why: string | undefined, failed: Letter | undefined, passed: boolean): Outcome {
  if (why !== undefined) return { is: 'refused', why }
  if (failed) {
    const isSame = fingerprintOfLetter(failed) === fingerprintOfLetter(letter)
    return { is: isSame ? 'same fault' : 'new fault', failed }
  }
  return { is: passed ? 'passes' : 'held' }
}

const placeOf = ({ topic, partition, offset }: Pick<Origin, 'topic' | 'partition' | 'offset'>): string =>
  `${topic}/${partition}/${offset}`
