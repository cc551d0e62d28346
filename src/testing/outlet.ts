import type { Format } from '../component/source.ts'
import type { Plan, PlannedStream } from '../topology/plan.ts'

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
export function outletsOf({ subtopologies }: Plan): readonly Outlet[] {
  const streams = subtopologies.flatMap((subtopology) => subtopology.streams)
  const sources = subtopologies.flatMap((subtopology) => subtopology.sources)
  const outlets = new Map<string, Outlet>()
  const add = (outlet: Outlet) => {
    const known = outlets.get(outlet.name)
    outlets.set(outlet.name, { ...outlet, sources: new Set([...(known?.sources ?? []), ...outlet.sources]) })
  }
  for (const stream of streams) {
    for (const { id, topic } of stream.sinks) {
      const origins = new Set([...sourcesOf(stream, streams)])
      if (topic) add({ name: topic.name, kind: 'topic', format: topic.format, sources: origins })
      else add({ name: id, kind: 'sink', format: 'json', sources: origins })
    }
  }
  for (const { name, format, deadLetters } of sources) {
    add({ name: deadLetters.topic, kind: 'deadLetters', format, sources: new Set(feeding(name, streams)) })
  }
  return [...outlets.values()]
}

function sourcesOf({ from }: PlannedStream, streams: readonly PlannedStream[]): string[] {
  return from.flatMap((origin) => {
    const upstream = streams.find(({ name }) => name === origin) ?? streams.find((stream) => isBranch(origin, stream))
    return upstream ? sourcesOf(upstream, streams) : feeding(origin, streams)
  })
}

const isBranch = (origin: string, { name, steps }: PlannedStream): boolean => {
  const last = steps.at(-1)
  return (last?.spec.branches?.(last.config) ?? []).some((branch) => origin === `${name}.${branch}`)
}

/** A source, and the sources of the streams that write to its topic. */
function feeding(source: string, streams: readonly PlannedStream[]): string[] {
  const writers = streams.filter(({ sinks }) => sinks.some(({ topic }) => topic?.name === source))
  return [source, ...writers.flatMap((stream) => sourcesOf(stream, streams))]
}
