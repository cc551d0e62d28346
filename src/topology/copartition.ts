import { BrokerError, type Broker, type TopicSpec } from '../broker/broker.ts'
import { isKeyed, type Plan, type PlannedStream, type Subtopology } from './plan.ts'
import type { ConfigFile, Problem } from './read.ts'
import { keepsFor, sourcesOf } from './upstream.ts'

/** Sources whose records meet by their keys: they must have as many partitions as each other. */
interface Meeting {
  /** The step where they do. */
  readonly step: string
  readonly sources: readonly string[]
}

/** Where records of a sub-topology meet by their keys: in steps that work by key, joins and tables. */
export function meetingsOf({ streams }: Subtopology): Meeting[] {
  return streams.flatMap((stream) => {
    const meeting = (step: string, others: readonly string[]): Meeting => {
      const names = [...stream.from, ...others].flatMap((name) => [...sourcesOf(name, streams)])
      return { step, sources: [...new Set(names)] }
    }
    const joins = stream.steps
      .filter((step) => isKeyed(step) || step.reads.stream !== undefined || step.reads.table !== undefined)
      .map(({ id, reads: { stream: other, table } }) =>
        meeting(id, other === undefined ? (table === undefined ? [] : keepersFor(stream, streams)) : [other]),
      )
    const tables = stream.sinks.filter(({ spec }) => spec.keyed).map(({ id }) => meeting(id, []))
    return [...joins, ...tables]
  })
}

const keepersFor = (stream: PlannedStream, streams: readonly PlannedStream[]): string[] =>
  streams.filter((other) => keepsFor(other, stream)).map(({ name }) => name)

/** Internal topics take as many partitions as the sources that their records meet by key, or as the widest of theirs. */
export function copartitioned(topics: readonly TopicSpec[], subtopologies: readonly Subtopology[]): TopicSpec[] {
  const meetings = subtopologies.flatMap(meetingsOf)
  const specOf = (name: string) => topics.find((topic) => topic.name === name)
  return topics.map((topic) => {
    const met = meetings.filter(({ sources }) => sources.includes(topic.name)).flatMap(({ sources }) => sources)
    if (!topic.internal || topic.partitions !== undefined || met.length === 0) return topic
    const outside = met.filter((name) => !specOf(name)?.internal)
    const given = met.map((name) => specOf(name)?.partitions).find((count) => count !== undefined)
    if (outside.length === 0 && given !== undefined) return withPartitions(topic, given)
    const widest = met.flatMap((name) => [specOf(name)?.partitionsOf ?? []].flat())
    return { ...topic, partitionsOf: [...new Set(outside.length > 0 ? outside : widest)] }
  })
}

/** An internal topic that the config gives a number of partitions says it for those that its records meet. */
function withPartitions({ partitionsOf: _, ...topic }: TopicSpec, partitions: number): TopicSpec {
  return { ...topic, partitions }
}

/** @throws BrokerError where records of one key would be in different tasks: nothing is started then */
export async function checkCopartitioned({ subtopologies }: Plan, broker: Pick<Broker, 'topics'>): Promise<void> {
  const meetings = subtopologies.flatMap(meetingsOf)
  if (meetings.length === 0) return
  const live = await broker.topics(meetings.flatMap(({ sources }) => sources))
  const countOf = (source: string) => live.find(({ name }) => name === source)?.partitions.length ?? 0
  const problems = meetings.flatMap((meeting) => problemOf(meeting, meeting.sources, countOf) ?? [])
  if (problems.length > 0) throw new BrokerError(problems.join('\n'))
}

/** The same as far as the config says it itself: topics whose partitions it leaves to the broker are not compared. */
export function findPartitionProblems(file: ConfigFile, { subtopologies, topics }: Plan): Problem[] {
  const countOf = (source: string) => topics.find(({ name }) => name === source)?.partitions
  return subtopologies.flatMap((subtopology) =>
    meetingsOf(subtopology).flatMap((meeting) => {
      const told = meeting.sources.filter((source) => countOf(source) !== undefined)
      const message = problemOf(meeting, told, countOf)
      return message === undefined ? [] : [file.problem(placeOf(meeting.step, subtopology), message)]
    }),
  )
}

function problemOf(
  { step }: Meeting,
  sources: readonly string[],
  countOf: (source: string) => number | undefined,
): string | undefined {
  if (new Set(sources.map(countOf)).size < 2) return undefined
  const counts = sources.map((source) => `${source} has ${countOf(source)}`).join(', ')
  return `${step} brings records together by key, and their topics differ in partitions: ${counts}. Put a \`keyBy\` before it on one side, which takes as many as the other has, or give the topics the same number.`
}

/** Where a step or a sink stands in the config. */
function placeOf(id: string, { streams }: Subtopology): PropertyKey[] {
  const stream = streams.find(({ steps, sinks }) => [...steps, ...sinks].some((each) => each.id === id))!
  const at = stream.steps.findIndex((step) => step.id === id)
  return ['streams', stream.written.stream, ...(at < 0 ? ['to'] : ['steps', stream.written.step + at])]
}
