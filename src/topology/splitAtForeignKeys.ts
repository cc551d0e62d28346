import { z } from 'zod'
import type { TopicSpec } from '../broker/broker.ts'
import { defineOperator } from '../component/operator.ts'
import { letterOverhead } from '../deadletter/letter.ts'
import type { PlannedSource, PlannedStep, PlannedStream } from './plan.ts'
import { internalSource, originsOf, repartitionSink, type KeyedStreams } from './splitAtKeys.ts'
import { sourcesOf } from './upstream.ts'

/**
 * Divides steps that meet another stream by other keys than those of their own records, as Kafka Streams divides its joins
 * by foreign key: the step asks, through one internal topic, its counterpart in the tasks of those keys, and is answered
 * through another one.
 */
export function splitAtForeignKeys(
  pipeline: string,
  { streams, internal, topics }: KeyedStreams,
  sources: readonly PlannedSource[],
): KeyedStreams {
  const known = [...sources, ...internal]
  const divided = streams.map((stream) => divide(pipeline, stream, streams, known))
  return {
    streams: divided.flatMap((each) => each.streams),
    internal: [...internal, ...divided.flatMap((each) => each.internal)],
    topics: [...topics, ...divided.flatMap((each) => each.topics)],
  }
}

function divide(
  pipeline: string,
  stream: PlannedStream,
  streams: readonly PlannedStream[],
  known: readonly PlannedSource[],
): KeyedStreams {
  const asking = stream.steps.filter(({ spec, config }) => spec.counterpart?.(config))
  const sourcesOfAll = (names: readonly string[]): PlannedSource[] => {
    const reaching = new Set(names.flatMap((name) => [...sourcesOf(name, streams)]))
    return known.filter(({ name }) => reaching.has(name))
  }
  const parts = asking.map((step) =>
    partsOf(pipeline, stream, step, sourcesOfAll(stream.from), sourcesOfAll([step.reads.stream!])),
  )
  const steps = stream.steps.map((step) => parts.find(({ asked }) => asked.id === step.id)?.asked ?? step)
  return {
    streams: [{ ...stream, steps }, ...parts.flatMap((part) => part.streams)],
    internal: parts.flatMap((part) => part.internal),
    topics: parts.flatMap((part) => part.topics),
  }
}

interface Parts extends KeyedStreams {
  /** The step itself, which reads the answers now. */
  readonly asked: PlannedStep
}

function partsOf(
  pipeline: string,
  stream: PlannedStream,
  step: PlannedStep,
  left: readonly PlannedSource[],
  right: readonly PlannedSource[],
): Parts {
  const { id, spec, config, reads } = step
  const topic = `${pipeline}-${id.replaceAll(/[.#]/g, '-')}`
  const [subscriptions, answers] = [`${topic}-subscription`, `${topic}-response`]
  const branch = `~${id}`
  const { build } = spec.counterpart!(config)!
  const counterpart = defineOperator({ ...spec, build, config: z.unknown(), branches: () => [] })
  const written = { stream: stream.written.stream, step: stream.written.step + stream.steps.indexOf(step) }
  return {
    asked: { ...step, spec: { ...spec, branches: () => [branch] }, reads: { stream: answers } },
    streams: [
      {
        name: `${stream.name}~${id}`,
        written,
        asideOf: stream.name,
        from: [`${stream.name}.${branch}`],
        steps: [],
        sinks: [repartitionSink(`${id}.subscription`, subscriptions)],
      },
      {
        name: `${id}.response`,
        written,
        counted: id,
        from: [subscriptions],
        steps: [{ id: `${id}.response`, spec: counterpart, config, reads }],
        sinks: [{ ...repartitionSink(`${id}.response.to`, answers), toPartition: true }],
      },
    ],
    internal: [internalSource(subscriptions, left), internalSource(answers, [...left, ...right])],
    topics: [specOf(subscriptions, left), specOf(answers, [...left, ...right])],
  }
}

function specOf(name: string, from: readonly PlannedSource[]): TopicSpec {
  const origins = [...originsOf(from).keys()]
  const roomFor = { topics: origins, factor: 2, extra: letterOverhead }
  return { name, internal: true, partitionsOf: origins, retention: Infinity, compacted: false, roomFor }
}
