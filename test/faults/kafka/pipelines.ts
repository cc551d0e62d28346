export const guarantees = ['atLeastOnce', 'exactlyOnce'] as const
export type Guarantee = (typeof guarantees)[number]

const validated = '- validate: { schema: { type: object, properties: { price: { type: number, maximum: 1 } } } }'
const mapped = '- map: { id: record.id, market: record.market }'
const counted =
  '- aggregate: { window: { tumbling: 1s }, at: record.at, grace: 3650d, into: { id: { last: record.id }, count: count } }'
const noRetries = 'deadLetters: { retry: { attempts: 0 } }'

export const pipelines = {
  /** Poison is dead-lettered. */
  stateless: { steps: [validated, mapped], deadLetters: noRetries },
  /** The same, and what was seen is dropped: each id comes twice and must leave once. */
  dedupe: {
    steps: ['- dedupe: { by: string(record.id), within: 1h }', validated, mapped],
    deadLetters: noRetries,
  },
  /** Poison fails until a retry passes, and the later records of its key wait behind it. */
  ordered: {
    steps: ['- use: ./flaky.mjs', mapped],
    deadLetters: 'deadLetters: { order: key, retry: { attempts: 40, backoff: [20ms] } }',
  },
  /** By another key, so through an internal topic: poison is dead-lettered there, and the rest is counted by windows of time. */
  counted: { steps: ['- keyBy: record.market', validated, counted], deadLetters: noRetries },
} as const
export type PipelineName = keyof typeof pipelines

/** The operator of `ordered`. */
export const flaky = `
export default (value, record, { fail }) =>
  value.price > 1 && Math.random() < 0.5 ? fail('service.busy', 'The service is busy.', 'retry') : value
`

/** Milliseconds. */
export interface Timeouts {
  readonly session: number
  readonly transaction: number
}

export interface PipelineParts {
  readonly name: string
  readonly pipeline: PipelineName
  readonly guarantee: Guarantee
  readonly brokers: readonly string[]
  readonly timeouts: Timeouts
  readonly partitions: number
}

export const sourceOf = (name: string): string => `in.${name}`
/** Where its records go, and its dead letters. */
export const outsOf = (name: string): [string, string] => [`out.${name}`, `dlq.${sourceOf(name)}`]

export const configOf = ({ name, pipeline, guarantee, brokers, timeouts, partitions }: PipelineParts): string => `
name: ${name}
broker:
  kafka:
    brokers: ${JSON.stringify(brokers)}
    clientId: ${name}
    client: ${process.env['OXBOW_CLIENT'] ?? 'platformatic'}
    timeouts: { session: ${timeouts.session}ms, heartbeat: 300ms, transaction: ${timeouts.transaction}ms, request: 3s, delivery: 15s }
guarantee: ${guarantee}
sources:
  ${sourceOf(name)}: { topic: { format: json }, partitions: ${partitions} }
${pipelines[pipeline].deadLetters}
streams:
  checked:
    from: ${sourceOf(name)}
    steps:
      ${pipelines[pipeline].steps.join('\n      ')}
    to: { topic: { name: ${outsOf(name)[0]}, partitions: ${partitions} } }
`
