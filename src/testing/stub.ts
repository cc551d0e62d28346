import { z } from 'zod'
import { defineSink, type SinkSpec } from '../component/sink.ts'
import type { Record } from '../record/record.ts'
import type { Plan, PlannedSource, PlannedStream } from '../topology/plan.ts'
import { failing } from './failing.ts'
import { RecordFaults } from './recordFaults.ts'

const noFaults = new RecordFaults([])

/** Takes what a stream writes to an external sink. */
export type Capture = (sink: string, record: Record) => void

/**
 * The plan as a test runs it: sources have topics and no connectors, external sinks are captured under their ids instead
 * of opened, and every topic has one partition, so that records have one order. Records fail as the faults say.
 */
export function stubPlan(plan: Plan, capture: Capture, faults = noFaults): Plan {
  return {
    ...plan,
    topics: plan.topics.map((topic) => ({ ...topic, partitions: 1 })),
    subtopologies: plan.subtopologies.map(({ id, sources, streams }) => ({
      id,
      sources: sources.map(withoutConnector),
      streams: streams.map((stream) => ({
        ...withCapture(stream, capture, faults),
        steps: stream.steps.map((step) => failing(step, faults)),
      })),
    })),
  }
}

/** The monitor's plan as a test runs it: alerts are captured under "alerts" too, whatever sinks they go to. */
export function stubMonitor(plan: Plan, capture: Capture): Plan {
  return {
    ...plan,
    subtopologies: plan.subtopologies.map((subtopology) => ({
      ...subtopology,
      streams: subtopology.streams.map((stream) => {
        const alerts = { id: `${stream.name}.alerts`, spec: capturing('alerts', capture), config: {} }
        const { sinks, ...rest } = withCapture(stream, capture)
        return { ...rest, sinks: [...sinks, alerts] }
      }),
    })),
  }
}

function withoutConnector(source: PlannedSource): PlannedSource {
  const { open, ...spec } = source.spec
  return { ...source, spec, partitions: 1 }
}

function withCapture(stream: PlannedStream, capture: Capture, faults = noFaults): PlannedStream {
  const sinks = stream.sinks.map((sink) =>
    sink.spec.open ? { ...sink, spec: capturing(sink.id, capture, faults) } : sink,
  )
  return { ...stream, sinks }
}

function capturing(id: string, capture: Capture, faults = noFaults): SinkSpec {
  return defineSink({
    name: 'capture',
    summary: 'Takes records for a test.',
    config: z.unknown(),
    faults: [],
    examples: [],
    open: async () => ({
      async write(records) {
        return records.map((record) => {
          const fault = faults.faultOf(id, record)
          if (!fault) capture(id, record)
          return fault ?? 'written'
        })
      },
      async close() {},
    }),
  })
}
