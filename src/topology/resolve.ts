import type { RecordExpression } from '../component/expression.ts'
import type { Catalog } from '../component/catalog.ts'
import { redactor } from '../deadletter/redact.ts'
import type { Config, DeadLettersConfig } from './config.ts'
import { copartitioned, findPartitionProblems } from './copartition.ts'
import { laneBeside, laneOf } from './lane.ts'
import { findBrokenLinks, findLoops } from './links.ts'
import {
  globalTablesOf,
  type DeadLetterPolicy,
  type Plan,
  type PlannedSink,
  type PlannedSource,
  type PlannedStep,
  type PlannedStream,
  type Subtopology,
} from './plan.ts'
import { ConfigError, type ConfigFile } from './read.ts'
import { findRetrySinkProblems, findRetryTopicProblems } from './retryTopic.ts'
import { splitAtForeignKeys } from './splitAtForeignKeys.ts'
import { splitAtKeys } from './splitAtKeys.ts'
import { lanesBeside, topicsOf } from './topics.ts'
import { branchesOf, keepsFor, readsOf } from './upstream.ts'

const day = 86_400_000

/** Resolves a config into what runs. @throws ConfigError with everything about it that cannot work */
export function resolvePlan(file: ConfigFile, catalog: Catalog): Plan {
  const { config, directory, revision } = file
  const sources = Object.entries(config.sources).map(([name, entry]) => planSource(name, entry, file, catalog))
  const streams = withGlobals(Object.entries(config.streams).map(([name, entry]) => planStream(name, entry, catalog)))
  const problems = [
    ...findBrokenLinks(file, sources, streams),
    ...findLoops(file, sources, streams),
    ...findRetryTopicProblems(file, sources, streams),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  const keyed = splitAtForeignKeys(config.name, splitAtKeys(config.name, streams, sources), sources)
  const internal = keyed.internal.map((source) => ({ ...source, lane: laneBeside(source.name) }))
  const subtopologies = divide([...sources, ...internal], inOrder(keyed.streams))
  const internalTopics = copartitioned(keyed.topics, subtopologies)
  const topics = [...topicsOf(sources, streams), ...internalTopics, ...lanesBeside(internalTopics, internal)]
  const { name, standbyReplicas } = config
  const plan = { name, directory, revision, subtopologies, topics, standbyReplicas }
  const planned = [...findRetrySinkProblems(file, plan), ...findPartitionProblems(file, plan)]
  if (planned.length > 0) throw new ConfigError(planned)
  return plan
}

type SourceEntry = Config['sources'][string]
type StreamEntry = Config['streams'][string]

/** The one component that an entry names, and its config. */
function chosen<S extends { readonly name: string }>(specs: readonly S[], entry: object): { spec: S; config: unknown } {
  const spec = specs.find(({ name }) => Object.hasOwn(entry, name))!
  return { spec, config: (entry as { [name: string]: unknown })[spec.name] }
}

function planSource(name: string, entry: SourceEntry, file: ConfigFile, catalog: Catalog): PlannedSource {
  const { spec, config } = chosen(catalog.sources, entry)
  const {
    partitions,
    retention,
    timestamp,
    deadLetters: own,
  } = entry as { [option: string]: unknown } & {
    partitions?: number
    retention?: number
    timestamp?: RecordExpression
    deadLetters?: DeadLettersConfig
  }
  const deadLetters = planDeadLetters(name, overridden(file.config.deadLetters, own), file)
  return {
    name,
    spec,
    config,
    format: spec.format(config),
    ...(partitions !== undefined && { partitions }),
    ...(retention !== undefined && { retention }),
    ...(timestamp && { timestamp }),
    deadLetters,
    lane: laneOf(file.config.name, name),
  }
}

/** What is for every source, with what differs for one: of retries and of what is parked, field by field. */
function overridden(all: DeadLettersConfig = {}, own: DeadLettersConfig = {}): DeadLettersConfig {
  const { retry, parked } = all
  return {
    ...all,
    ...own,
    ...((retry ?? own.retry) && { retry: { ...retry, ...own.retry } }),
    ...((parked ?? own.parked) && { parked: { ...parked, ...own.parked } }),
  }
}

/** How the failures of a source are handled, with defaults for what its config does not say. */
export function planDeadLetters(
  source: string,
  config: DeadLettersConfig,
  { config: { name }, revision, secrets }: ConfigFile,
): DeadLetterPolicy {
  const { topic = 'dlq.{source}', retention = 7 * day, retry = {}, envelope = 'headers', halt, redact = [] } = config
  const { maxHops = 10 } = config
  const { attempts = 3, backoff = [1_000, 2_000, 4_000], topic: retryTopic, reenter = 'operator' } = retry
  const { records = 10_000, size: bytes = 33_554_432 } = config.parked ?? {}
  return {
    pipeline: name,
    revision,
    topic: topic.replaceAll('{source}', source),
    envelope,
    retention,
    retry: {
      attempts,
      backoff,
      ...(retryTopic !== undefined && { topic: retryTopic.replaceAll('{source}', source) }),
      reenter,
    },
    maxHops,
    redact: redactor(redact, secrets),
    ...(halt && { halt }),
    ...(config.order === 'key' && { parked: { records, bytes } }),
  }
}

function planStream(name: string, { from, steps, to = [] }: StreamEntry, catalog: Catalog): PlannedStream {
  const numbered = numberer()
  return {
    name,
    written: { stream: name, step: 0 },
    from: [from].flat(),
    steps: steps.map((entry): PlannedStep => {
      const { spec, config } = chosen(catalog.operators, entry)
      return { id: numbered(`${name}.${spec.name}`), spec, config, reads: spec.reads?.(config) ?? {} }
    }),
    sinks: planSinks(name, to, catalog),
  }
}

/** Steps that read a table which every task has. */
function withGlobals(streams: readonly PlannedStream[]): PlannedStream[] {
  const globals = globalTablesOf(streams)
  const withGlobal = (step: PlannedStep): PlannedStep => {
    const { table, ...reads } = step.reads
    return table !== undefined && globals.includes(table) ? { ...step, reads: { ...reads, global: table } } : step
  }
  return streams.map((stream) => ({ ...stream, steps: stream.steps.map(withGlobal) }))
}

/** The sinks at the end of a stream, as a config lists them. */
export function planSinks(stream: string, to: object | readonly object[], catalog: Catalog): PlannedSink[] {
  const numbered = numberer()
  return [to].flat().map((entry): PlannedSink => {
    const { spec, config } = chosen(catalog.sinks, entry)
    const own = { id: numbered(`${stream}.to.${spec.name}`), spec, config }
    if (spec.table) {
      const { name, global } = spec.table(config)
      return { ...own, [global ? 'global' : 'table']: name }
    }
    return spec.open ? own : { ...own, topic: config as NonNullable<PlannedSink['topic']> }
  })
}

/** Tells apart what has the same name: the second "articles.map" is "articles.map#2". */
function numberer(): (name: string) => string {
  const taken = new Map<string, number>()
  return (name) => {
    const count = (taken.get(name) ?? 0) + 1
    taken.set(name, count)
    return count === 1 ? name : `${name}#${count}`
  }
}

/** Streams after those that they read. */
function inOrder(streams: readonly PlannedStream[]): PlannedStream[] {
  const placed = new Set<PlannedStream>()
  const place = (stream: PlannedStream) => {
    if (placed.has(stream)) return
    for (const other of streams) if (isBefore(other, stream)) place(other)
    placed.add(stream)
  }
  streams.forEach(place)
  return [...placed]
}

/** Whether a stream reads another one, or a table that it keeps. */
const isBefore = (other: PlannedStream, stream: PlannedStream): boolean =>
  readsOf(stream).some((origin) => leads(other, origin)) || keepsFor(other, stream)

const leads = (stream: PlannedStream, origin: string): boolean =>
  stream.name === origin || branchesOf(stream).includes(origin)

/** Connected parts: what shares a stream shares a task. */
function divide(sources: readonly PlannedSource[], streams: readonly PlannedStream[]): Subtopology[] {
  const parts: { sources: PlannedSource[]; streams: PlannedStream[] }[] = sources.map((source) => ({
    sources: [source],
    streams: [],
  }))
  for (const stream of streams) {
    const touched = parts.filter(
      (part) =>
        readsOf(stream).some((origin) => part.sources.some(({ name }) => name === origin)) ||
        part.streams.some((other) => isBefore(other, stream)),
    )
    const [first, ...others] = touched
    for (const other of others) {
      first!.sources.push(...other.sources)
      first!.streams.push(...other.streams)
      parts.splice(parts.indexOf(other), 1)
    }
    first!.streams.push(stream)
  }
  return parts.map((part, id) => ({ id, sources: part.sources, streams: inOrder(part.streams) }))
}
