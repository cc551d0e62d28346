import { asyncScheduler, type SchedulerLike } from 'rxjs'
import { onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import type { OutputRecord } from '../../src/record/record.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import type { Catalog } from '../../src/component/catalog.ts'
import type { Log } from '../../src/component/context.ts'
import type { OperatorSpec } from '../../src/component/operator.ts'
import { defineOperator } from '../../src/component/operator.ts'
import { topic as topicSink } from '../../src/sinks/topic.ts'
import { topic as topicSource } from '../../src/sources/topic.ts'
import type { SinkSpec } from '../../src/component/sink.ts'
import type { SourceSpec } from '../../src/component/source.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { z } from 'zod'

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** A log that keeps its lines. */
function keptLog(): Log & { readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = []
  const at = (level: LoggedLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, fields, message })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** An operator without config for one test. */
export const operator = (name: string, build: OperatorSpec['build'], more: Partial<OperatorSpec> = {}) =>
  defineOperator({ name, summary: `${name}.`, config: z.strictObject({}), faults: [], examples: [], build, ...more })

/** Topic source, topic and file sinks, and whatever the test adds. */
export const catalogWith = (more: {
  readonly operators?: readonly ReturnType<typeof operator>[]
  readonly sinks?: readonly SinkSpec[]
  readonly sources?: readonly SourceSpec[]
}): Catalog => ({
  sources: [topicSource, ...(more.sources ?? [])],
  operators: more.operators ?? [],
  sinks: [topicSink, ...(more.sinks ?? [])],
})

/** A started pipeline over a config; it is stopped when the test is over. */
export async function startPipeline(
  yaml: string,
  catalog: Catalog,
  options: {
    readonly broker?: Broker
    readonly scheduler?: SchedulerLike
    readonly once?: boolean
    readonly before?: readonly OutputRecord[]
  } = {},
) {
  const { scheduler = asyncScheduler, once = true, before = [] } = options
  const broker = options.broker ?? (await openEmbedded({ directory: ':memory:' }))
  if (before.length > 0) await append(broker, before)
  const plan = resolvePlan(parseConfig(yaml, 'pipeline.yaml', catalog, {}), catalog)
  const log = keptLog()
  const pipeline = new Pipeline({ plan, broker, scheduler, log, once })
  await pipeline.start()
  onTestFinished(() => pipeline.stop())
  return { pipeline, broker, plan, log }
}

export const append = (broker: Broker, outputs: readonly OutputRecord[]): Promise<void> =>
  broker.commit({ group: 'test', task: 'test', outputs, offsets: [], state: [], counts: [] })

/** A record for a topic, its value as JSON; bytes stay as they are. */
export const output = (topic: string, value: unknown, more: Partial<OutputRecord> = {}): OutputRecord => ({
  topic,
  key: null,
  value: value === null ? null : Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
  headers: [],
  timestamp: 1_000,
  ...more,
})

/** All records of a topic's first partition; none when there is no such topic. */
export async function recordsOf(broker: Broker, topic: string) {
  const known = await broker.topics()
  if (!known.some(({ name }) => name === topic)) return []
  return (await broker.read({ topic, partition: 0, offset: 0n }, 1_000_000)).records
}

export const valuesOf = async (broker: Broker, topic: string): Promise<unknown[]> =>
  (await recordsOf(broker, topic)).map(({ value }) => value && JSON.parse(value.toString()))

/** A letter's `dlq.*` headers as text, by name without the prefix. */
export const letterHeaders = (
  headers: readonly (readonly [string, Buffer | null])[],
): { readonly [name: string]: string } =>
  Object.fromEntries(
    headers.filter(([name]) => name.startsWith('dlq.')).map(([name, value]) => [name.slice(4), String(value)]),
  )
