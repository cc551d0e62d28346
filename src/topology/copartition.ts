import { BrokerError, type Broker, type TopicSpec } from '../broker/broker.ts'
import { isKeyed, type Plan, type PlannedStream, type Subtopology } from './plan.ts'
import { keepsFor, sourcesOf } from './upstream.ts'

/** Sources whose records meet by their keys: they must have as many partitions as each other. */
interface Meeting {
  /** The step where they do. */
  readonly step: string
  readonly sources: readonly string[]
}

function meetingsOf({ streams }: Subtopology): Meeting[] {
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
  const problems = meetings.flatMap(({ step, sources }) => {
    if (new Set(sources.map(countOf)).size < 2) return []
    const counts = sources.map((source) => `${source} has ${countOf(source)}`).join(', ')
    return [
      `${step} brings records together by key, and their topics differ in partitions: ${counts}. Put a \`keyBy\` before it on one side, which takes as many as the other has, or give the topics the same number.`,
    ]
  })
  if (problems.length > 0) throw new BrokerError(problems.join('\n'))
}
