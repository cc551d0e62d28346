import type { TopicPartition } from '../broker/broker.ts'
import { encodeValue } from '../component/value.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import { mask } from '../deadletter/redact.ts'
import type { RedriveFacts } from '../deadletter/redriveRecord.ts'
import { startOf } from '../topology/departure.ts'
import type { Plan, PlannedSource, Subtopology } from '../topology/plan.ts'
import { groupsOf } from '../topology/retryTopic.ts'
import { fixed, type Fix } from './fix.ts'
import { homeIn } from './home.ts'
import { originalTopics, withoutRecord } from './originals.ts'
import { tooOften } from './wayToTopic.ts'

export interface WayOptions {
  readonly plan: Plan
  /** Where the records go on. */
  readonly to: 'operator' | 'source'
  readonly fix?: Fix
  /** Names the redrive: the entries of its letters have it. */
  readonly redrive: string
}

/** What goes back and by which partition of a lane, or why nothing can. */
export type WayBack = { readonly facts: RedriveFacts; readonly lane: TopicPartition } | { readonly refusal: string }

const instead = 'send it back from its source (`--to source`)'

/** How letters get back into their pipeline. */
export class WaysBack {
  readonly #options: WayOptions
  readonly #homeOf: ReturnType<typeof homeIn>
  readonly #originalTopics: ReadonlySet<string>
  /** The sub-topologies of operators and sinks. */
  readonly #owners: ReadonlyMap<string, Subtopology>

  constructor(options: WayOptions) {
    const { plan } = options
    this.#options = options
    this.#homeOf = homeIn(plan)
    this.#originalTopics = originalTopics(plan)
    this.#owners = new Map(plan.subtopologies.flatMap((each) => placesIn(each).map((id) => [id, each] as const)))
  }

  /** @param now milliseconds since the epoch */
  of(found: Letter, now: number): WayBack {
    const home = this.#homeOf(found)
    if (!home) return { refusal: `the config has no source ${found.source} (any more)` }
    const { source, letter } = home
    const { operator, read, missing } = letter
    if (missing.includes('record') && !this.#givesValue) return { refusal: withoutRecord(found, this.#originalTopics) }
    const isOver = tooOften(found, source.deadLetters.maxHops)
    if (isOver !== undefined) return { refusal: isOver }
    if (read && operator === startOf(read.topic))
      return { refusal: `the pipeline did not write it to ${read.topic}, so that it has no source to go back to` }
    const isWhole = this.#options.to === 'source' || operator === startOf(source.name)
    return isWhole ? this.#fromSource(letter, source, now) : this.#atOperator(letter, source, now)
  }

  get #givesValue(): boolean {
    const { fix } = this.#options
    return fix !== undefined && !('expression' in fix)
  }

  #fromSource(letter: Letter, source: PlannedSource, now: number): WayBack {
    const { read, origin, record } = letter
    if (read && this.#owners.has(read.topic))
      return { refusal: `${read.topic} let it go by the clock: no source record is to go back (\`--to operator\`)` }
    const lane = { topic: source.lane!, partition: origin.partition }
    const facts = this.#factsOf(letter, 'source')
    const { fix } = this.#options
    if (!fix) return { facts, lane }
    if ('bytes' in fix) return { facts: withValue(facts, fix.bytes), lane }
    const given = { value: record.value, key: record.key, timestamp: origin.timestamp }
    const mended = fixed(letter, given, source.format, fix, now)
    return 'refusal' in mended ? mended : { facts: withValue(facts, encodeValue(mended.value, source.format)), lane }
  }

  #atOperator(letter: Letter, source: PlannedSource, now: number): WayBack {
    const { operator, read, record, origin } = letter
    const owner = this.#owners.get(operator)
    if (!owner) return { refusal: `the config has no ${operator} (any more); ${instead}` }
    const into = this.#inputOf(owner, letter)
    if (!into) return { refusal: `records come to ${operator} by another topic than when it failed; ${instead}` }
    const { fix } = this.#options
    const missing = missingIn(letter)
    const isHeld = source.deadLetters.parked !== undefined && record.key !== null && !read
    if (missing !== undefined && !(isHeld && !fix))
      return { refusal: `the letter does not hold what ${operator} was given: ${missing}; ${instead}` }
    const lane = { topic: into.lane!, partition: (read ?? origin).partition }
    const facts = this.#factsOf(letter, 'operator')
    if (!fix) return { facts, lane }
    if ('bytes' in fix) return { refusal: `other bytes go in at the source; ${instead}` }
    const { input, inputKey, inputTimestamp } = letter
    const given = {
      value: input === undefined ? record.value : Buffer.from(input),
      key: inputKey === undefined ? record.key : Buffer.from(inputKey),
      timestamp: inputTimestamp ?? origin.timestamp,
    }
    const mended = fixed(letter, given, input === undefined ? source.format : 'json', fix, now)
    if ('refusal' in mended) return mended
    const value = JSON.stringify(mended.value ?? null)
    return { facts: { ...facts, fixed: true, input: { ...facts.input, value } }, lane }
  }

  #factsOf(letter: Letter, from: RedriveFacts['from']): RedriveFacts {
    const { id, topic, hops, failedAt, firstFailedAt, source, record, origin, operator, index, streams, read } = letter
    const { plan, redrive } = this.#options
    const { times: reopened, passed } = letter.reopened ?? { times: 0, passed: false }
    const missing = from === 'operator' ? missingIn(letter) : undefined
    const isCounted = groupsOf(plan.name).includes(letter.pipeline)
    return {
      letter: id,
      ...{ topic, hops, failedAt, firstFailedAt, redrive, reopened, passed },
      ...{ source, operator, index, from, fixed: false },
      raw: { ...record, ...origin },
      input: from === 'operator' ? inputOf(letter, missing === undefined) : {},
      ...(!isCounted && { uncounted: true }),
      ...(missing !== undefined && { missing }),
      ...(streams && { streams }),
      ...(read && { read }),
    }
  }

  /** The source of a sub-topology by whose lane a letter comes to its operator: that by which its record did. */
  #inputOf(owner: Subtopology, { read, source }: Letter): PlannedSource | undefined {
    const isTick = read !== undefined && this.#owners.get(read.topic) === owner
    return isTick ? owner.sources[0] : owner.sources.find(({ name }) => name === (read?.topic ?? source))
  }
}

function missingIn({ inputMissing, input, streams }: Letter): string | undefined {
  if (inputMissing !== undefined || streams !== undefined) return inputMissing
  // Letters of older versions do not say so.
  return input?.includes(mask) ? 'it is redacted' : undefined
}

const inputOf = ({ input, inputKey, inputTimestamp }: Letter, isComplete: boolean): RedriveFacts['input'] => ({
  ...(input !== undefined && isComplete && { value: input }),
  ...(inputKey !== undefined && { key: inputKey }),
  ...(inputTimestamp !== undefined && { timestamp: inputTimestamp }),
})

const withValue = (facts: RedriveFacts, value: Buffer | null): RedriveFacts => ({
  ...facts,
  fixed: true,
  raw: { ...facts.raw, value },
})

/** The operators and sinks where a record can go on. */
const placesIn = ({ streams }: Subtopology): string[] =>
  streams.flatMap(({ steps, sinks }) => [
    ...steps.flatMap(({ id, reads }) => (reads.stream === undefined ? [id] : [id, `${id}.right`])),
    ...sinks.map(({ id }) => id),
  ])
