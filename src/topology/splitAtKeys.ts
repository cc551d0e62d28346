import { z } from 'zod'
import { defineSink } from '../component/sink.ts'
import { defineSource } from '../component/source.ts'
import type { TopicSpec } from '../broker/broker.ts'
import { letterOverhead } from '../deadletter/letter.ts'
import {
  isKeyed,
  type DeadLetterPolicy,
  type PlannedSink,
  type PlannedSource,
  type PlannedStep,
  type PlannedStream,
} from './plan.ts'
import { branchesOf, sourcesOf } from './upstream.ts'

/** Streams as tasks run them, and the internal topics in between. */
export interface KeyedStreams {
  readonly streams: readonly PlannedStream[]
  readonly internal: readonly PlannedSource[]
  readonly topics: readonly TopicSpec[]
}

const shared = { faults: [], examples: [] }
const source = defineSource({
  ...shared,
  name: 'repartition',
  summary: 'Takes records by their new keys.',
  config: z.strictObject({}),
  format: () => 'json',
})
const sink = defineSink({
  ...shared,
  name: 'repartition',
  summary: 'Sends records to the partitions of their new keys.',
  config: z.strictObject({}),
})

/**
 * Divides each stream where its records get new keys and something after that works by key: as in Kafka Streams, they
 * pass an internal topic there, and what follows is done by other tasks.
 */
export function splitAtKeys(
  pipeline: string,
  streams: readonly PlannedStream[],
  sources: readonly PlannedSource[],
): KeyedStreams {
  const divided = streams.map((stream) => divide(pipeline, stream, streams, sources))
  return {
    streams: divided.flatMap((each) => each.streams),
    internal: divided.flatMap((each) => each.internal),
    topics: divided.flatMap((each) => each.topics),
  }
}

function divide(
  pipeline: string,
  stream: PlannedStream,
  streams: readonly PlannedStream[],
  sources: readonly PlannedSource[],
): KeyedStreams {
  const { name, steps } = stream
  const cuts = steps.flatMap(({ spec }, at) => (spec.repartitions && worksByKey(stream, at + 1, streams) ? [at] : []))
  const topics = cuts.map((_, at) => `${pipeline}-${name}${at === 0 ? '' : `-${at + 1}`}-repartition`)
  const reaching = sourcesOf(name, streams)
  const origins = sources.filter((each) => reaching.has(each.name))
  const parts = [...cuts, steps.length - 1].map((last, part): PlannedStream => {
    const first = part === 0 ? 0 : cuts[part - 1]! + 1
    const topic = topics[part]
    return {
      name: topic === undefined ? name : `${name}~${part + 1}`,
      written: { stream: name, step: first },
      from: part === 0 ? stream.from : [topics[part - 1]!],
      steps: steps.slice(first, last + 1),
      sinks: topic === undefined ? stream.sinks : [repartitionSink(`${steps[last]!.id}.repartition`, topic)],
    }
  })
  return {
    streams: parts,
    internal: cuts.map((cut, at) => sourceOf(topics[at]!, steps[cut]!, origins)),
    topics: cuts.map((cut, at) => specOf(topics[at]!, steps[cut]!, origins)),
  }
}

/** Where records leave for an internal topic. */
export const repartitionSink = (id: string, repartition: string): PlannedSink => ({
  id,
  spec: sink,
  config: {},
  repartition,
})

function sourceOf(name: string, { spec, config }: PlannedStep, from: readonly PlannedSource[]): PlannedSource {
  const { partitions } = spec.repartitions!(config)
  return { ...internalSource(name, from), ...(partitions !== undefined && { partitions }) }
}

/** An internal topic as what it is read from. @param from the sources that its records come from */
export function internalSource(name: string, from: readonly PlannedSource[]): PlannedSource {
  const origins = originsOf(from)
  const { deadLetters } = origins.values().next().value!
  return { name, origins, spec: source, config: {}, format: 'json', deadLetters }
}

/** The sources that records come from in the end, and how their failures are handled beyond an internal topic. */
export const originsOf = (sources: readonly PlannedSource[]): NonNullable<PlannedSource['origins']> =>
  new Map(
    sources.flatMap((source) => [
      ...(source.origins ?? [[source.name, { ...source, deadLetters: withinTask(source.deadLetters) }] as const]),
    ]),
  )

/** Retries wait in the state of the task: retry topics and the order of keys are for records as their sources have them. */
export function withinTask({ parked: _, retry, ...policy }: DeadLetterPolicy): DeadLetterPolicy {
  const { attempts, backoff } = retry
  return { ...policy, retry: { attempts, backoff, reenter: 'operator' } }
}

function specOf(name: string, { spec, config }: PlannedStep, origins: readonly PlannedSource[]): TopicSpec {
  const { partitions } = spec.repartitions!(config)
  const from = origins.map((origin) => origin.name)
  return {
    name,
    internal: true,
    ...(partitions === undefined ? { partitionsOf: from } : { partitions }),
    retention: Infinity,
    compacted: false,
    roomFor: { topics: from, factor: 2, extra: letterOverhead },
  }
}

/** Whether a step from one on, or of a stream that reads this one, needs all records of a key in one task. */
function worksByKey(stream: PlannedStream, first: number, streams: readonly PlannedStream[]): boolean {
  for (const step of stream.steps.slice(first)) {
    if (isKeyed(step)) return true
    if (step.spec.repartitions) return false
  }
  if (stream.sinks.some(({ spec }) => spec.keyed)) return true
  const names = [stream.name, ...branchesOf(stream)]
  return streams.some(
    (reader) =>
      reader.steps.some(({ reads }) => names.includes(reads.stream ?? '')) ||
      (reader.from.some((name) => names.includes(name)) && worksByKey(reader, 0, streams)),
  )
}
