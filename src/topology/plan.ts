import type { TopicSpec } from '../broker/broker.ts'
import type { RecordExpression } from '../component/expression.ts'
import type { OperatorSpec, Reads } from '../component/operator.ts'
import type { SinkSpec } from '../component/sink.ts'
import type { Format, SourceSpec } from '../component/source.ts'
import type { LetterContext } from '../deadletter/letter.ts'
import type { FloodLimit } from '../deadletter/flood.ts'

/** How a source's failures are handled. */
export interface DeadLetterPolicy extends LetterContext {
  /** Milliseconds that dead letters are kept. */
  readonly retention: number
  readonly retry: RetryPolicy
  readonly halt?: FloodLimit
  /** How often a record may be sent back. */
  readonly maxHops: number
  /** Whether later records of a key wait behind one that failed, and how many may. */
  readonly parked?: ParkedLimit
}

/** How much may wait behind failed records in a task; beyond it, its partitions pause. */
export interface ParkedLimit {
  readonly records: number
  /** Of keys and values. */
  readonly bytes: number
}

/** How faults are retried that may pass. */
export interface RetryPolicy {
  /** Tries after the first. */
  readonly attempts: number
  /** Milliseconds before each of them; the last one stands for those beyond the list. */
  readonly backoff: readonly number[]
  /** The topic that records wait on, for the retry pipeline; in the state of their task when absent. */
  readonly topic?: string
  /** Where they go on: at the operator that failed, or from the source record on. */
  readonly reenter: 'operator' | 'source'
}

export interface PlannedSource {
  /** The topic by its own name. */
  readonly name: string
  /** Of an internal topic: the sources that its records come from. */
  readonly origins?: ReadonlyMap<string, Pick<PlannedSource, 'format' | 'deadLetters'>>
  /** The source whose records it holds, of a retry topic: they are counted as that one's. */
  readonly retriesOf?: string
  readonly spec: SourceSpec
  readonly config: unknown
  readonly format: Format
  readonly partitions?: number
  /** Milliseconds that its topic's records are kept; for ever when absent. */
  readonly retention?: number
  /** When the event of a record happened; the record's own timestamp when absent. */
  readonly timestamp?: RecordExpression
  readonly deadLetters: DeadLetterPolicy
  /** The topic by which its dead letters come back, and commands for those that hold up their keys; a retry topic has none. */
  readonly lane?: string
}

export interface PlannedStep {
  /** "articles.dedupe"; the second of its kind in a stream is "articles.dedupe#2". */
  readonly id: string
  readonly spec: OperatorSpec
  readonly config: unknown
  /** What it reads beside its own stream: another stream or source, or a table; `global` is one that every task has. */
  readonly reads: Reads & { readonly global?: string }
}

export interface PlannedSink {
  /** "articles.to.file" */
  readonly id: string
  readonly spec: SinkSpec
  readonly config: unknown
  /** The topic sink alone: records become part of the unit. */
  readonly topic?: { readonly name: string; readonly format: Format; readonly partitions?: number }
  /** The internal topic by which records go on by their new keys. */
  readonly repartition?: string
  /** They go to the partitions that their values name instead. */
  readonly toPartition?: true
  /** The table that keeps them. */
  readonly table?: string
  /** The same, where every task has it. */
  readonly global?: string
}

export interface PlannedStream {
  readonly name: string
  /** The stream in the config that it is a part of, and the first of its steps. */
  readonly written: { readonly stream: string; readonly step: number }
  /** What its records are counted as, where that is not the stream in the config. */
  readonly counted?: string
  /** The stream in the same tasks that its records leave by the way: they are counted there, and it has no steps. */
  readonly asideOf?: string
  /** What it reads: sources, streams, or branches of streams ("stream.branch"). */
  readonly from: readonly string[]
  readonly steps: readonly PlannedStep[]
  readonly sinks: readonly PlannedSink[]
}

/** Sources and the streams that they reach; what shares a stream runs in one task per partition, as in Kafka Streams. */
export interface Subtopology {
  readonly id: number
  readonly sources: readonly PlannedSource[]
  /** A stream stands after those it reads. */
  readonly streams: readonly PlannedStream[]
}

/** The topics that a sub-topology reads. */
export const inputsOf = ({ sources }: Subtopology): string[] =>
  sources.flatMap(({ name, lane }) => (lane === undefined ? [name] : [name, lane]))

/** What the records of a stream are counted as. */
export const countedAs = ({ counted, written }: PlannedStream): string => counted ?? written.stream

/** Whether all records of a key have to come to the same task for a step. */
export const isKeyed = ({ spec, reads }: PlannedStep): boolean => spec.keyed === true && reads.global === undefined

/** The tables that streams keep for every task. */
export const globalTablesOf = (streams: readonly PlannedStream[]): string[] =>
  streams.flatMap(({ sinks }) => sinks.flatMap(({ global }) => global ?? []))

/** How the failures of a record are handled. */
export const policyOf = (
  sources: ReadonlyMap<string, PlannedSource>,
  { input, source }: { readonly input: string; readonly source: string },
): DeadLetterPolicy => {
  const own = sources.get(input)!
  return (own.origins?.get(source) ?? own).deadLetters
}

/** The sources of a plan that the config names, internal topics left out. */
export const externalSources = ({ subtopologies }: Pick<Plan, 'subtopologies'>): PlannedSource[] =>
  subtopologies.flatMap(({ sources }) => sources.filter(({ origins }) => !origins))

/** A pipeline, checked and resolved: what runs. */
export interface Plan {
  /** Consumer group, metrics label, prefix of internal topics. */
  readonly name: string
  /** Where relative paths start from. */
  readonly directory: string
  /** Hash of the config. */
  readonly revision: string
  readonly subtopologies: readonly Subtopology[]
  readonly topics: readonly TopicSpec[]
  /** Copies of each partition's state that other members of the group keep; none when absent. */
  readonly standbyReplicas?: number
}

/** Sources by their topics' names, and retry topics by the names of those that they are of, too. */
export const sourcesByName = (sources: readonly PlannedSource[]): Map<string, PlannedSource> =>
  new Map(
    sources.flatMap((source) =>
      [source.name, source.retriesOf].flatMap((name) => (name === undefined ? [] : [[name, source] as const])),
    ),
  )
