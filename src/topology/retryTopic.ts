import type { TopicSpec } from '../broker/broker.ts'
import type { Plan, PlannedSource, PlannedStream, Subtopology } from './plan.ts'
import type { ConfigFile, Problem } from './read.ts'
import { sourcesOf } from './upstream.ts'

/** The group, and the name, of the pipeline that takes a pipeline's retries from their topics. */
export const retryGroupOf = (pipeline: string): string => `${pipeline}.retry`

/** The groups of a pipeline, which are also the names that its letters have: its own, and that of its retries. */
export const groupsOf = (pipeline: string): readonly string[] => [pipeline, retryGroupOf(pipeline)]

/** The topic that a source's records wait on, if it has one: a partition of it holds those of the same one of the source. */
export function retryTopicOf({ name: partitionsOf, partitions, deadLetters }: PlannedSource): TopicSpec[] {
  const { retry, retention } = deadLetters
  if (retry.topic === undefined) return []
  const number = partitions === undefined ? {} : { partitions }
  const roomFor = { topics: [partitionsOf], factor: 1, extra: 0 }
  return [{ name: retry.topic, ...number, partitionsOf, retention, compacted: false, byNumber: true, roomFor }]
}

/**
 * The pipeline that runs a pipeline's retries: the same streams with the retry topics as their sources, a group, a
 * changelog and a ledger of its own. No flood guard: what comes there has failed before.
 * @returns undefined where no source has a retry topic
 */
export function planRetry(plan: Plan): Plan | undefined {
  const subtopologies = plan.subtopologies.flatMap((subtopology) => {
    const sources = subtopology.sources.flatMap(asRetrySource)
    return sources.length > 0 ? [{ ...subtopology, sources }] : []
  })
  return subtopologies.length > 0 ? { ...plan, name: retryGroupOf(plan.name), subtopologies } : undefined
}

function asRetrySource({ name: retriesOf, spec, config, format, deadLetters }: PlannedSource): PlannedSource[] {
  const { topic: name } = deadLetters.retry
  if (name === undefined) return []
  const { open: _, ...passive } = spec
  const { halt: __, ...policy } = deadLetters
  return [{ name, retriesOf, spec: passive, config, format, deadLetters: policy }]
}

/** A source whose records come to a stream and are retried in another pipeline, if there is one. */
export function retriedElsewhere({ name }: PlannedStream, { sources, streams }: Subtopology): string | undefined {
  const origins = sourcesOf(name, streams)
  return sources.find((source) => source.deadLetters.retry.topic !== undefined && origins.has(source.name))?.name
}

/** Sinks that a retry pipeline cannot write to beside the main one. */
export const findRetrySinkProblems = (file: ConfigFile, { subtopologies }: Plan): Problem[] =>
  subtopologies.flatMap((subtopology) =>
    subtopology.streams.flatMap((stream) => {
      const source = retriedElsewhere(stream, subtopology)
      const sole = source === undefined ? [] : stream.sinks.filter(({ spec }) => spec.soleWriter || spec.table)
      return sole.map(({ spec }) =>
        file.problem(
          ['streams', stream.written.stream, 'to'],
          spec.table
            ? `\`${spec.name}\` keeps its rows in the state of this pipeline, and retries of \`${source}\` would keep theirs in that of the retry pipeline; leave \`deadLetters.retry.topic\` out: retries then wait in the state of their task`
            : `\`${spec.name}\` takes one writer, and the retry pipeline of \`${source}\` would be a second one; write to a topic, or leave \`deadLetters.retry.topic\` out: retries then wait in the state of their task`,
        ),
      )
    }),
  )

/** Retry topics that are something else too. */
export function findRetryTopicProblems(
  file: ConfigFile,
  sources: readonly PlannedSource[],
  streams: readonly PlannedStream[],
): Problem[] {
  const written = streams.flatMap(({ sinks }) => sinks.flatMap(({ topic }) => topic?.name ?? []))
  const letters = sources.map(({ deadLetters }) => deadLetters.topic)
  return sources.flatMap((source, at) => {
    const { topic } = source.deadLetters.retry
    if (topic === undefined) return []
    const problem = (message: string) => [file.problem(retryPath(file, source.name), message)]
    const twin = sources.findIndex(({ deadLetters }) => deadLetters.retry.topic === topic)
    if (twin < at) {
      return problem(
        `\`${topic}\` would hold the retries of \`${sources[twin]!.name}\` and of \`${source.name}\`; give each source its own topic, such as \`{source}.retry\``,
      )
    }
    if (source.deadLetters.parked) {
      return problem(
        `\`order: key\` needs the retries of \`${source.name}\` in its task; leave \`topic\` out: they wait in the state of the task`,
      )
    }
    if (sources.some(({ name }) => name === topic)) {
      return problem(`\`${topic}\` is a source of this pipeline; retries need a topic of their own`)
    }
    if (written.includes(topic) || letters.includes(topic)) {
      return problem(`the pipeline writes something else to \`${topic}\`; retries need a topic of their own`)
    }
    return []
  })
}

/** Where a config says what the retry topic of a source is. */
function retryPath({ config }: ConfigFile, source: string): readonly string[] {
  const { deadLetters } = config.sources[source] as { readonly deadLetters?: Config['deadLetters'] }
  const own = deadLetters?.retry ? ['sources', source] : []
  return [...own, 'deadLetters', 'retry', 'topic']
}

type Config = ConfigFile['config']
