import type { Plan, PlannedSink, PlannedSource, PlannedStream, Subtopology } from './plan.ts'
import { retryGroupOf } from './retryTopic.ts'

/** A place that records pass in a topology. */
export interface DescribedNode {
  readonly id: string
  readonly kind: 'source' | 'operator' | 'sink'
  /** The component: "rss", "dedupe", "topic". */
  readonly component: string
  /** The topic that it reads or writes, if it does. */
  readonly topic?: string
  /** The global table that it keeps, or reads: one that every task has, whatever sub-topology it is of. */
  readonly globalTable?: string
  /** The stream that it belongs to; a source belongs to none. */
  readonly stream?: string
  readonly from: readonly string[]
  readonly to: readonly string[]
  /** Where the source records go that fail here. */
  readonly deadLetters: readonly string[]
}

/** A topic that records wait on for their next try. */
export interface DescribedRetries {
  readonly topic: string
  readonly source: string
  /** The pipeline that takes them from it. */
  readonly pipeline: string
  readonly reenter: 'operator' | 'source'
}

export interface DescribedSubtopology {
  readonly id: number
  readonly nodes: readonly DescribedNode[]
  readonly retries: readonly DescribedRetries[]
}

export interface DescribedTopic {
  readonly name: string
  /** What it is to the pipeline: read, written, written with what failed for good or for now, or between its own tasks. */
  readonly role: 'source' | 'output' | 'deadLetters' | 'retry' | 'repartition'
  /** The broker's default when null. */
  readonly partitions: number | null
  /** Milliseconds; for ever when null. */
  readonly retention: number | null
}

/** A plan as a graph, the same for the same config. */
export interface Description {
  readonly name: string
  readonly revision: string
  readonly subtopologies: readonly DescribedSubtopology[]
  readonly topics: readonly DescribedTopic[]
}

export function describePlan({ name, revision, subtopologies, topics }: Plan): Description {
  const sources = subtopologies.flatMap((subtopology) => subtopology.sources)
  const roleOf = (topic: string): DescribedTopic['role'] => {
    const source = sources.find(({ name }) => name === topic)
    if (source) return source.origins ? 'repartition' : 'source'
    if (sources.some(({ deadLetters }) => deadLetters.retry.topic === topic)) return 'retry'
    return sources.some(({ deadLetters }) => deadLetters.topic === topic) ? 'deadLetters' : 'output'
  }
  return {
    name,
    revision,
    subtopologies: subtopologies.map((subtopology) => ({
      id: subtopology.id,
      nodes: describeNodes(subtopology),
      retries: describeRetries(name, subtopology),
    })),
    topics: topics.map((topic) => ({
      name: topic.name,
      role: roleOf(topic.name),
      partitions: topic.partitions ?? null,
      retention: finite(topic.retention),
    })),
  }
}

function describeRetries(pipeline: string, { sources }: Subtopology): DescribedRetries[] {
  return sources.flatMap(({ name: source, deadLetters }) => {
    const { topic, reenter } = deadLetters.retry
    return topic === undefined ? [] : [{ topic, source, pipeline: retryGroupOf(pipeline), reenter }]
  })
}

type Draft = Omit<DescribedNode, 'from' | 'to' | 'deadLetters'>

function describeNodes({ sources, streams }: Subtopology): DescribedNode[] {
  const drafts: Draft[] = [
    ...sources.map(({ name, spec }): Draft => ({ id: name, kind: 'source', component: spec.name, topic: name })),
    ...streams.flatMap(draftsOf),
  ]
  const links = [
    ...sources.flatMap(({ name }) => entriesOf(name, streams).map((to) => [name, to] as const)),
    ...streams.flatMap((stream) => linksWithin(stream, streams)),
    ...streams.flatMap(({ sinks }) => sinks.flatMap((sink) => tableLinks(sink, streams))),
  ]
  const lettersOf = (id: string): string[] => {
    const own = sources.filter(({ name }) => name === id || reaches(name, id, links))
    return [...new Set(own.flatMap(lettersOfSource))]
  }
  return drafts.map((draft) => ({
    ...draft,
    from: links.filter(([, to]) => to === draft.id).map(([from]) => from),
    to: links.filter(([from]) => from === draft.id).map(([, to]) => to),
    deadLetters: lettersOf(draft.id),
  }))
}

const lettersOfSource = ({ origins, deadLetters }: PlannedSource): string[] =>
  origins ? Array.from(origins.values(), (origin) => origin.deadLetters.topic) : [deadLetters.topic]

const finite = (milliseconds: number | undefined): number | null =>
  milliseconds === undefined || milliseconds === Infinity ? null : milliseconds

function draftsOf({ written: { stream: name }, steps, sinks }: PlannedStream): Draft[] {
  return [
    ...steps.map(({ id, spec, reads: { global } }): Draft => {
      const read = global === undefined ? {} : { globalTable: global }
      return { id, kind: 'operator', component: spec.name, ...read, stream: name }
    }),
    ...sinks.map(({ id, spec, topic, repartition = topic?.name, global }): Draft => {
      const written = {
        ...(repartition !== undefined && { topic: repartition }),
        ...(global !== undefined && { globalTable: global }),
      }
      return { id, kind: 'sink', component: spec.name, ...written, stream: name }
    }),
  ]
}

type Link = readonly [from: string, to: string]

/** The nodes that records of a source, stream or branch come to first. */
function entriesOf(name: string, streams: readonly PlannedStream[]): string[] {
  const joining = streams.flatMap(({ steps }) => steps.filter(({ reads }) => reads.stream === name).map(({ id }) => id))
  return streams
    .filter(({ from }) => from.includes(name))
    .flatMap((stream) => (stream.steps[0] ? [stream.steps[0].id] : exitsOf(stream, streams)))
    .concat(joining)
}

/** The nodes that the results of a stream go to. */
function exitsOf({ name, steps, sinks }: PlannedStream, streams: readonly PlannedStream[]): string[] {
  const last = steps.at(-1)
  const branches = (last?.spec.branches?.(last.config) ?? []).filter((branch) => !branch.startsWith('~'))
  const readers = [name, ...branches.map((branch) => `${name}.${branch}`)].flatMap((read) => entriesOf(read, streams))
  return [...sinks.map(({ id }) => id), ...readers]
}

function linksWithin(stream: PlannedStream, streams: readonly PlannedStream[]): Link[] {
  const { steps } = stream
  return steps.flatMap(({ id }, at): Link[] => {
    const next = steps[at + 1]
    const asides = streams.filter(
      ({ asideOf, from }) => asideOf === stream.name && from.some((name) => name.endsWith(`~${id}`)),
    )
    const links = asides.flatMap(({ sinks }) => sinks.map((sink): Link => [id, sink.id]))
    return [...links, ...(next ? [[id, next.id] as const] : exitsOf(stream, streams).map((to): Link => [id, to]))]
  })
}

/** From a table to the steps that read it. */
const tableLinks = ({ id, table }: PlannedSink, streams: readonly PlannedStream[]): Link[] =>
  streams.flatMap(({ steps }) =>
    steps.filter(({ reads }) => table !== undefined && reads.table === table).map((step): Link => [id, step.id]),
  )

function reaches(from: string, goal: string, links: readonly Link[]): boolean {
  const seen = new Set([from])
  for (const node of seen) for (const [start, end] of links) if (start === node) seen.add(end)
  return seen.has(goal)
}
