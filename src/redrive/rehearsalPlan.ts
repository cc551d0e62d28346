import { z } from 'zod'
import type { TopicInfo } from '../broker/broker.ts'
import { defineSink, type SinkSpec } from '../component/sink.ts'
import type { Record } from '../record/record.ts'
import type { DeadLetterPolicy, Plan, PlannedSink, PlannedSource } from '../topology/plan.ts'

/** Takes what a stream would have written to a sink. */
export type Capture = (sink: string, record: Record) => void

/**
 * A plan that reads nothing but what is sent back to it, and writes nowhere: sources have no connectors, sinks only tell what
 * they are given, and what fails is not tried again. Topics have as many partitions as those of the real broker, so that
 * a snapshot of its state fits.
 */
export function rehearsalPlan(plan: Plan, live: readonly TopicInfo[], capture: Capture): Plan {
  const countOf = (topic: string) => live.find(({ name }) => name === topic)?.partitions.length
  return {
    ...plan,
    topics: plan.topics.map((topic) => {
      const partitions = countOf(topic.name)
      return partitions === undefined ? topic : { ...topic, partitions }
    }),
    subtopologies: plan.subtopologies.map(({ id, sources, streams }) => ({
      id,
      sources: sources.map(asSource),
      streams: streams.map((stream) => ({ ...stream, sinks: stream.sinks.map((sink) => asSink(sink, capture)) })),
    })),
  }
}

function asSource(source: PlannedSource): PlannedSource {
  const { open: _, ...spec } = source.spec
  const origins = source.origins && new Map([...source.origins].map(([name, own]) => [name, atOnce(own)]))
  return { ...atOnce(source), spec, ...(origins && { origins }) }
}

/** Letters come in no order, and by the thousand: nothing waits for another, and no flood is an outage. */
function atOnce<T extends { readonly deadLetters: DeadLetterPolicy }>(source: T): T {
  const { halt: _, parked: __, ...policy } = source.deadLetters
  return {
    ...source,
    deadLetters: { ...policy, maxHops: Infinity, retry: { attempts: 0, backoff: [], reenter: 'operator' } },
  }
}

/** Internal topics and tables are the pipeline's own. */
function asSink(sink: PlannedSink, capture: Capture): PlannedSink {
  if (!sink.topic && !sink.spec.open) return sink
  return { id: sink.id, spec: telling(sink.id, capture), config: {} }
}

const telling = (id: string, capture: Capture): SinkSpec =>
  defineSink({
    name: 'rehearsal',
    summary: 'Tells what it is given.',
    config: z.unknown(),
    faults: [],
    examples: [],
    open: async () => ({
      async write(records) {
        for (const record of records) capture(id, record)
        return records.map(() => 'written' as const)
      },
      async close() {},
    }),
  })
