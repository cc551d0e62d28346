import { z } from 'zod'
import type { Catalog } from '../component/catalog.ts'
import { condition, expression } from '../component/expression.ts'
import { duration, path, size, topicName } from '../component/fields.ts'
import { broker } from './kafkaConfig.ts'
import { plot } from './plotConfig.ts'
import { test } from './testConfig.ts'

/** How often dead-letter topics are counted, in milliseconds. */
export const defaultInterval = 10_000

/** What an alert's condition can speak of: see the monitor's page in the guide. */
export const alertVariables = [
  'size',
  'growth',
  'rate',
  'age',
  'share',
  'read',
  'dead',
  'parked',
  'paused',
  'newGroups',
  'regressedGroups',
  'source',
  'topic',
] as const

const pipelineName = () =>
  z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/, 'expected a name: up to 100 of a-z A-Z 0-9 . _ -, such as "market-lag"')

const streamName = () =>
  z.string().regex(/^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*$/, 'expected the name of a stream, such as "articles"')

const topicPatternExpected = 'expected a topic name, in which {source} stands for the source'
const topicPattern = () =>
  z
    .string()
    .regex(/^[a-zA-Z0-9._{}-]+$/, { error: topicPatternExpected, abort: true })
    .refine((name) => topicName().safeParse(name.replaceAll('{source}', 'x')).success, topicPatternExpected)

const deadLetters = () =>
  z.strictObject({
    topic: topicPattern()
      .optional()
      .describe('Name of the dead-letter topic; `{source}` stands for the name of the source. Default `dlq.{source}`.'),
    retention: duration()
      .optional()
      .describe('How long dead letters are kept, counted from the failure. Default `7d`.'),
    retry: z
      .strictObject({
        attempts: z.int().min(0).max(100).optional().describe('Tries after the first. Default 3.'),
        backoff: z
          .array(duration())
          .min(1)
          .optional()
          .describe('Pauses before them; the last one repeats. Default `[1s, 2s, 4s]`.'),
        topic: topicPattern()
          .optional()
          .describe(
            'A topic that records wait on, from which the pipeline `<name>.retry` takes them; `{source}` stands for the name of the source. Default: they wait in the state of their task.',
          ),
        reenter: z
          .enum(['operator', 'source'])
          .optional()
          .describe('Where they go on: at the operator that failed, or from the source record on. Default `operator`.'),
      })
      .optional()
      .describe('How faults are retried that may pass, such as a service that does not answer.'),
    order: z
      .enum(['none', 'key'])
      .optional()
      .describe(
        'Whether later records of a key overtake one that failed. `none`: they do. `key`: they are parked behind it, in order, through its retries and its dead letters, until those are redriven or discarded. Default `none`.',
      ),
    parked: z
      .strictObject({
        records: z.int().min(1).optional().describe('Default 10000.'),
        size: size().optional().describe('Of keys and values. Default `32MiB`.'),
      })
      .optional()
      .describe(
        'With `order: key`, how much a task parks, records that hold up their keys included; beyond it its partitions pause, and an alert says so.',
      ),
    maxHops: z
      .int()
      .min(0)
      .max(1_000)
      .optional()
      .describe('How often a dead letter can be sent back; then it stays one. Default 10.'),
    envelope: z
      .enum(['headers', 'json'])
      .optional()
      .describe(
        'Whether a letter is the source record with `dlq.*` headers, or a JSON document around it. Default `headers`.',
      ),
    halt: z
      .strictObject({
        ratio: z.number().gt(0).max(1).describe('Share of failed records.'),
        of: z.int().min(1).max(1_000_000).describe('How many of the last records count.'),
      })
      .optional()
      .describe(
        'Flood guard: from this share of failures on, the source pauses instead of flooding its dead-letter topic. Default: none.',
      ),
    redact: z
      .array(path())
      .optional()
      .describe(
        'Fields whose values are masked in fault messages, stacks and the operator input of a letter. The source record itself stays as it was.',
      ),
  })

/** An object with one key out of those that the specifications name, next to options that every one of them has. */
function oneOf<O extends z.ZodRawShape>(
  what: string,
  specs: readonly { readonly name: string; readonly summary: string; readonly config: z.ZodType }[],
  options: O,
) {
  const kinds = Object.fromEntries(
    specs.map(({ name, summary, config }) => [name, config.optional().describe(summary)]),
  )
  return z.strictObject({ ...kinds, ...options }).superRefine((entry, context) => {
    const named = specs.filter(({ name }) => Object.hasOwn(entry as object, name))
    if (named.length === 1) return
    const found = named.length === 0 ? 'none' : named.map(({ name }) => name).join(' and ')
    context.addIssue({
      code: 'custom',
      message: `expected exactly one ${what} (${specs.map(({ name }) => name).join(', ')}), found ${found}`,
    })
  })
}

/** The whole config grammar over a catalog of components (design section 4). */
export function configSchema(catalog: Catalog) {
  const sink = oneOf('sink', catalog.sinks, {})
  return z.strictObject({
    name: pipelineName().describe('Consumer group, metrics label, prefix of internal topics.'),
    broker: broker()
      .default('embedded')
      .describe('Where topics live: `embedded`, a cluster as `kafka://host:port,…`, or one with its settings.'),
    guarantee: z
      .enum(['exactlyOnce', 'atLeastOnce'])
      .default('exactlyOnce')
      .describe('What a failure in the middle of a unit may do: nothing, or repeat it.'),
    sources: z
      .record(
        topicName(),
        oneOf('source', catalog.sources, {
          partitions: z
            .int()
            .min(1)
            .max(10_000)
            .optional()
            .describe('Partitions of the topic, if it has to be created.'),
          retention: duration()
            .optional()
            .describe('How long its records are kept. Default: for ever on the embedded broker.'),
          timestamp: expression()
            .optional()
            .describe(
              'When the event of a record happened, ISO 8601 or milliseconds since 1970. It is the timestamp of the record from there on: for windows, joins, the order of time, and where it is written. Default: the one that the topic has.',
            )
            .meta({ examples: ['record.published_at'] }),
          deadLetters: deadLetters()
            .optional()
            .describe('What differs from the pipeline’s own `deadLetters` for this source.'),
        }),
      )
      .refine((sources) => Object.keys(sources).length > 0, 'expected at least one source')
      .describe('Topics by their own names, and what fills them.'),
    standbyReplicas: z
      .int()
      .min(0)
      .max(10)
      .default(0)
      .describe(
        'How many other members of the consumer group keep a copy of each partition’s state, to take over with little to restore. Default 0. On the embedded broker there are no other members, and it is without effect.',
      ),
    deadLetters: deadLetters().optional().describe('How failures are handled; any source may override it.'),
    streams: z
      .record(
        streamName(),
        z.strictObject({
          from: z
            .union([z.string(), z.array(z.string()).min(1)])
            .describe('A source, another stream, a branch (`stream.branch`), or a list of them.'),
          steps: z
            .array(oneOf('operator', catalog.operators, {}))
            .default([])
            .describe('Operators, in order.'),
          to: z
            .union([sink, z.array(sink)])
            .optional()
            .describe('Sinks.'),
        }),
      )
      .refine((streams) => Object.keys(streams).length > 0, 'expected at least one stream')
      .describe('What happens to the records.'),
    monitor: z
      .strictObject({
        every: duration()
          .default(defaultInterval)
          .describe('How often the dead-letter topics are counted. Default `10s`.'),
        alerts: z
          .array(
            z.strictObject({
              name: z.string().min(1).optional().describe('Default: the condition.'),
              when: condition(alertVariables).describe(
                `Condition in CEL over ${alertVariables.join(', ')}, for each dead-letter topic.`,
              ),
              step: z
                .number()
                .gt(1)
                .optional()
                .describe('Raise it again when the size has grown by this factor. Default 2.'),
              clear: z
                .number()
                .min(0)
                .max(1)
                .optional()
                .describe(
                  'It resolves when the condition is false with its sizes divided by this share: hysteresis. Default 0.8.',
                ),
              to: z.union([sink, z.array(sink).min(1)]).describe('Sinks for the alert records.'),
            }),
          )
          .default([]),
        plots: z.array(plot()).max(20).default([]).describe('What the web page plots of records.'),
      })
      .optional()
      .describe('Counts every dead-letter topic, raises alerts, plots records.'),
    tests: z.array(test()).default([]).describe('Marble tests, run by `oxbow test` on virtual time.'),
  })
}

export type Config = z.output<ReturnType<typeof configSchema>>
export type DeadLettersConfig = z.output<ReturnType<typeof deadLetters>>
