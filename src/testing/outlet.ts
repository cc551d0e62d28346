import type { Format } from '../component/source.ts'
import { externalSources, type Plan, type PlannedStream } from '../topology/plan.ts'
import { sourcesOf } from '../topology/upstream.ts'

/** A place where a test can expect records. */
export interface Outlet {
  /** A topic by its name, an external sink by its id ("articles.to.file"), or "alerts". */
  readonly name: string
  readonly kind: 'topic' | 'deadLetters' | 'sink' | 'alerts'
  /** How values are decoded. */
  readonly format: Format
  /** The sources whose records can come out there. */
  readonly sources: ReadonlySet<string>
}

/** Everything that can come out of a plan. */
export function outletsOf(plan: Plan): readonly Outlet[] {
  const streams = plan.subtopologies.flatMap((subtopology) => subtopology.streams)
  const outlets = new Map<string, Outlet>()
  const add = (outlet: Outlet) => {
    const known = outlets.get(outlet.name)
    outlets.set(outlet.name, { ...outlet, sources: new Set([...(known?.sources ?? []), ...outlet.sources]) })
  }
  for (const stream of streams) {
    for (const { id, spec, topic } of stream.sinks) {
      const origins = new Set(reaching(stream.name, streams))
      if (topic) add({ name: topic.name, kind: 'topic', format: topic.format, sources: origins })
      else if (spec.open) add({ name: id, kind: 'sink', format: 'json', sources: origins })
    }
  }
  const internal = plan.subtopologies.flatMap(({ sources }) => sources.filter(({ origins }) => origins))
  for (const { name, format, deadLetters } of externalSources(plan)) {
    const beyond = internal.filter(({ origins }) => origins!.has(name)).map((topic) => topic.name)
    const origins = new Set([...feeding(name, streams), ...beyond])
    add({ name: deadLetters.topic, kind: 'deadLetters', format, sources: origins })
    const { topic: retries } = deadLetters.retry
    if (retries !== undefined) add({ name: retries, kind: 'topic', format, sources: origins })
  }
  return [...outlets.values()]
}

/** A source or an internal topic, and the sources of the streams that write to it. */
function feeding(source: string, streams: readonly PlannedStream[]): string[] {
  const writers = streams.filter(({ sinks }) =>
    sinks.some(({ topic, repartition }) => [topic?.name, repartition].includes(source)),
  )
  return [source, ...writers.flatMap(({ name }) => reaching(name, streams))]
}

const reaching = (stream: string, streams: readonly PlannedStream[]): string[] =>
  [...sourcesOf(stream, streams)].flatMap((source) => feeding(source, streams))
