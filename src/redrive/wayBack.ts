import type { TopicPartition } from '../broker/broker.ts'
import { encodeValue } from '../component/value.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import { mask } from '../deadletter/redact.ts'
import type { Reentry, RedriveFacts } from '../deadletter/redriveRecord.ts'
import { startOf } from '../topology/departure.ts'
import { externalSources, type Plan, type PlannedSource, type Subtopology } from '../topology/plan.ts'
import { fixed, type Fix } from './fix.ts'

export interface WayOptions {
  readonly plan: Plan
  /** Where the records go on. */
  readonly to: 'operator' | 'source'
  readonly fix?: Fix
  /** Names the redrive: the entries of its letters have it. */
  readonly redrive: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What goes back and by which partition of a lane, or why nothing can. */
export type WayBack = { readonly facts: RedriveFacts; readonly lane: TopicPartition } | { readonly refusal: string }

/** How a letter gets back into its pipeline. */
export function wayBack(letter: Letter, options: WayOptions): WayBack {
  const source = externalSources(options.plan).find(({ name }) => name === letter.source)
  if (!source) return { refusal: `the config has no source ${letter.source} (any more)` }
  const { maxHops } = source.deadLetters
  if (letter.hops >= maxHops)
    return {
      refusal: `it was sent back ${letter.hops} times, the most that \`deadLetters.maxHops\` allows; raise it, or discard the letter`,
    }
  const { operator, read } = letter
  if (read && operator === startOf(read.topic))
    return { refusal: `the pipeline did not write it to ${read.topic}, so that it has no source to go back to` }
  const isWhole = options.to === 'source' || operator === startOf(source.name)
  return isWhole ? fromSource(letter, source, options) : atOperator(letter, source, options)
}

function fromSource(letter: Letter, source: PlannedSource, options: WayOptions): WayBack {
  const { read, origin, record } = letter
  if (read && stepIds(options.plan.subtopologies).includes(read.topic))
    return {
      refusal: `${read.topic} let it go by the clock, so that no source record is to go back; \`--to operator\``,
    }
  const lane = { topic: source.lane!, partition: origin.partition }
  const facts = factsOf(letter, 'source', options)
  const { fix } = options
  if (!fix) return { facts, lane }
  if ('bytes' in fix) return { facts: withValue(facts, fix.bytes), lane }
  const given = { value: record.value, key: record.key, timestamp: origin.timestamp }
  const mended = fixed(letter, given, source.format, fix, options.now)
  return 'refusal' in mended ? mended : { facts: withValue(facts, encodeValue(mended.value, source.format)), lane }
}

function atOperator(letter: Letter, source: PlannedSource, options: WayOptions): WayBack {
  const { operator, read, record, input, inputKey, inputTimestamp } = letter
  const { plan, fix, now } = options
  const subtopology = plan.subtopologies.find((each) => stepIds([each]).includes(operator))
  if (!subtopology) return { refusal: `the config has no ${operator} (any more); ${instead}` }
  const own = laneInto(subtopology, letter)
  if (!own) return { refusal: `records come to ${operator} by another topic than when it failed; ${instead}` }
  const missing = missingIn(letter)
  const isHeld = source.deadLetters.parked !== undefined && record.key !== null && !read
  if (missing !== undefined && !(isHeld && !fix))
    return { refusal: `the letter does not hold what ${operator} was given: ${missing}; ${instead}` }
  const lane = { topic: own.lane!, partition: (read ?? letter.origin).partition }
  const facts = factsOf(letter, 'operator', options)
  if (!fix) return { facts, lane }
  if ('bytes' in fix) return { refusal: `other bytes go in at the source; ${instead}` }
  const given = {
    value: input === undefined ? record.value : Buffer.from(input),
    key: inputKey === undefined ? record.key : Buffer.from(inputKey),
    timestamp: inputTimestamp ?? letter.origin.timestamp,
  }
  const mended = fixed(letter, given, input === undefined ? source.format : 'json', fix, now)
  if ('refusal' in mended) return mended
  const value = JSON.stringify(mended.value ?? null)
  return { facts: { ...facts, fixed: true, input: { ...facts.input, value } }, lane }
}

const instead = 'send it back from its source (`--to source`)'

/** The source of a sub-topology by whose lane a letter comes to its operator: that by which its record did. */
function laneInto({ sources, ...rest }: Subtopology, { read, source }: Letter): PlannedSource | undefined {
  const isTick = read && stepIds([{ sources, ...rest }]).includes(read.topic)
  return isTick ? sources[0] : sources.find(({ name }) => name === (read?.topic ?? source))
}

function missingIn({ inputMissing, input, streams }: Letter): string | undefined {
  if (inputMissing !== undefined || streams !== undefined) return inputMissing
  // Letters of older versions do not say so.
  return input?.includes(mask) ? 'it is redacted' : undefined
}

function factsOf(letter: Letter, from: RedriveFacts['from'], { redrive }: WayOptions): RedriveFacts {
  const { id, topic, hops, failedAt, firstFailedAt, source, record, origin, operator, index, streams, read } = letter
  const { input: value, inputKey: key, inputTimestamp: timestamp } = letter
  const missing = missingIn(letter)
  const input: Reentry = {
    ...(value !== undefined && missing === undefined && { value }),
    ...(key !== undefined && { key }),
    ...(timestamp !== undefined && { timestamp }),
  }
  return {
    letter: id,
    ...{ topic, hops, failedAt, firstFailedAt, redrive, source, operator, index, from, fixed: false },
    raw: { ...record, ...origin },
    input: from === 'operator' ? input : {},
    ...(missing !== undefined && from === 'operator' && { missing }),
    ...(streams && { streams }),
    ...(read && { read }),
  }
}

const withValue = (facts: RedriveFacts, value: Buffer | null): RedriveFacts => ({
  ...facts,
  fixed: true,
  raw: { ...facts.raw, value },
})

const stepIds = (subtopologies: readonly Subtopology[]): string[] =>
  subtopologies.flatMap(({ streams }) =>
    streams.flatMap(({ steps, sinks }) => [
      ...steps.flatMap(({ id, reads }) => (reads.stream === undefined ? [id] : [id, `${id}.right`])),
      ...sinks.map(({ id }) => id),
    ]),
  )
