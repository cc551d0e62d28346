import { collectDefaultMetrics, Registry } from 'prom-client'
import type { SchedulerLike } from 'rxjs'
import type { Broker } from '../broker/broker.ts'
import type { LetterCount } from '../deadletter/ledger/groups.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { letterTopicsOf } from '../topology/letterTopics.ts'
import { going, type Aside } from '../topology/lineage.ts'
import type { MeterReading } from '../topology/meter.ts'
import type { RunningPipeline } from '../topology/running.ts'
import { family, type Family, type Point, type Read } from './family.ts'
import { partitionMetrics } from './partitions.ts'
import { shared } from './shared.ts'

export interface MetricsParts {
  readonly pipelines: readonly RunningPipeline[]
  readonly broker: Broker
  readonly ledger: Ledger
  readonly scheduler: SchedulerLike
}

/** The metrics of pipelines and of the process, read anew at every scrape. @returns a registry of its own */
export function createMetrics({ pipelines, broker, ledger, scheduler }: MetricsParts): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counter = family(registry, 'counter', pipelines)
  const gauge = family(registry, 'gauge', pipelines)

  const status = shared((pipeline) => pipeline.status())
  const metered = (read: (meter: MeterReading) => Point[]) => async (pipeline: RunningPipeline) =>
    read((await status(pipeline)).meter)

  gauge('oxbow_pipeline_up', 'Whether the pipeline runs without trouble.', [], async (pipeline) => {
    const { started, troubles } = await status(pipeline)
    return [{ labels: {}, value: started && troubles.length === 0 ? 1 : 0 }]
  })
  conservation(counter, gauge)
  nodes(counter, metered)
  counter(
    'oxbow_source_appended_total',
    'Records that connectors appended to their topics.',
    ['source'],
    metered(({ appended }) => points(appended, 'source')),
  )
  counter(
    'oxbow_source_failed_polls_total',
    'Looks at the outside that failed.',
    ['source'],
    metered(({ failedPolls }) => points(failedPolls, 'source')),
  )
  counter(
    'oxbow_commits_total',
    'Units committed.',
    [],
    metered(({ commits }) => [{ labels: {}, value: commits }]),
  )
  gauge('oxbow_source_lag_records', 'Records of a source that the pipeline has not read yet.', ['source'], (pipeline) =>
    lag(pipeline, broker),
  )
  partitionMetrics(gauge, status)
  deadLetters(gauge, ledger, scheduler)
  asides(gauge, broker)
  counter(
    'oxbow_records_expired_total',
    'Offsets of a source that were deleted before the pipeline read them.',
    ['source'],
    (pipeline) => expired(pipeline, broker),
  )
  return registry
}

function conservation(counter: Family, gauge: Family): void {
  const labels = ['source', 'stream'] as const
  const of =
    (what: 'read' | 'emitted' | 'dropped' | 'dead' | 'inFlight') =>
    async (pipeline: RunningPipeline): Promise<Point[]> =>
      (await pipeline.conservation()).map((count) => {
        return { labels: { source: count.source, stream: count.stream }, value: count[what] }
      })
  counter('oxbow_records_read_total', 'Source records that entered the stream.', labels, of('read'))
  counter('oxbow_records_emitted_total', 'Source records that the stream emitted.', labels, of('emitted'))
  counter('oxbow_records_dropped_total', 'Source records that the stream dropped.', labels, of('dropped'))
  counter('oxbow_records_dead_total', 'Source records that were dead-lettered in the stream.', labels, of('dead'))
  gauge('oxbow_records_in_flight', 'Source records without a final outcome yet.', labels, of('inFlight'))
}

function nodes(counter: Family, metered: (read: (meter: MeterReading) => Point[]) => Read): void {
  for (const what of ['received', 'emitted', 'retried'] as const) {
    const help = {
      received: 'Records that entered the node.',
      emitted: 'Results of the node.',
      retried: 'Tries after the first.',
    }
    const read = metered(({ nodes }) => [...nodes].map(([node, counts]) => ({ labels: { node }, value: counts[what] })))
    counter(`oxbow_node_${what}_total`, help[what], ['node'], read)
  }
  counter(
    'oxbow_node_dropped_total',
    'Records dropped in the node, by reason.',
    ['node', 'reason'],
    metered(({ nodes }) => [...nodes].flatMap(([node, { dropped }]) => points(dropped, 'reason', { node }))),
  )
  counter(
    'oxbow_node_dead_total',
    'Dead letters of the node, by fault code.',
    ['node', 'code'],
    metered(({ nodes }) => [...nodes].flatMap(([node, { dead }]) => points(dead, 'code', { node }))),
  )
}

function deadLetters(gauge: Family, ledger: Ledger, scheduler: SchedulerLike): void {
  const labels = ['topic'] as const
  const of =
    (value: (letters: LetterCount) => number) =>
    async ({ plan }: RunningPipeline): Promise<Point[]> => {
      const topics = letterTopicsOf(plan).map(({ topic }) => topic)
      const letters = await ledger.counts(topics, scheduler.now())
      return letters.map((count) => ({ labels: { topic: count.topic }, value: value(count) }))
    }
  gauge(
    'oxbow_dead_letters_open',
    'Open dead letters on the topic.',
    labels,
    of(({ open }) => open),
  )
  gauge(
    'oxbow_dead_letters_redriving',
    'Dead letters that were sent back and have no new outcome yet.',
    labels,
    of(({ redriving }) => redriving),
  )
  gauge(
    'oxbow_dead_letters_expiring',
    'Open dead letters that retention deletes within a day.',
    labels,
    of(({ expiring }) => expiring),
  )
  gauge(
    'oxbow_dead_letters_oldest_age_seconds',
    'Age of the oldest open dead letter; 0 where there is none.',
    labels,
    of(({ oldest }) => (oldest === undefined ? 0 : Math.max(0, scheduler.now() - oldest) / 1_000)),
  )
}

function asides(gauge: Family, broker: Broker): void {
  const of =
    (what: Aside) =>
    async ({ name, plan }: RunningPipeline): Promise<Point[]> => {
      const counts = await broker.counts(name)
      const sources = plan.subtopologies.flatMap((subtopology) => subtopology.sources)
      return sources
        .filter(({ deadLetters: { parked } }) => parked)
        .map((source) => ({ labels: { source: source.name }, value: going(counts, [source.name], what) }))
    }
  gauge('oxbow_records_parked', 'Records that wait behind earlier ones of their key.', ['source'], of('parked'))
  gauge('oxbow_partitions_paused', 'Partitions not read because too much is parked.', ['source'], of('paused'))
}

async function expired({ name, plan }: RunningPipeline, broker: Broker): Promise<Point[]> {
  const counts = await broker.counts(name)
  const sources = plan.subtopologies.flatMap((subtopology) => subtopology.sources)
  return sources.map(({ name: source }) => ({ labels: { source }, value: going(counts, [source], 'expired') }))
}

async function lag({ plan }: RunningPipeline, broker: Broker): Promise<Point[]> {
  const [topics, committed] = [await broker.topics(), await broker.committed(plan.name)]
  const sources = plan.subtopologies.flatMap((subtopology) => subtopology.sources)
  return sources.map(({ name }) => {
    const partitions = topics.find((topic) => topic.name === name)?.partitions ?? []
    const unread = partitions.map(({ partition, start, end }) => {
      const position = committed.find((at) => at.topic === name && at.partition === partition)?.offset ?? start
      return Number(end - (position > start ? position : start))
    })
    return { labels: { source: name }, value: unread.reduce((sum, count) => sum + count, 0) }
  })
}

function points(counts: ReadonlyMap<string, number>, name: string, labels: Point['labels'] = {}): Point[] {
  return [...counts].map(([label, value]) => ({ labels: { ...labels, [name]: label }, value }))
}
