export const guarantees = ['atLeastOnce', 'exactlyOnce'] as const
export type Guarantee = (typeof guarantees)[number]

/** Steps of the pipeline; the one with state drops what it has seen, so that each id, which comes twice, leaves once. */
export const pipelines = {
  stateless: '',
  dedupe: '- dedupe: { by: string(record.id), within: 1h }',
} as const
export type PipelineName = keyof typeof pipelines

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
    timeouts: { session: ${timeouts.session}ms, heartbeat: 300ms, transaction: ${timeouts.transaction}ms, request: 3s, delivery: 15s }
guarantee: ${guarantee}
sources:
  ${sourceOf(name)}: { topic: { format: json }, partitions: ${partitions} }
deadLetters: { retry: { attempts: 0 } }
streams:
  checked:
    from: ${sourceOf(name)}
    steps:
      ${pipelines[pipeline]}
      - validate: { schema: { type: object, properties: { price: { type: number, maximum: 1 } } } }
      - map: { id: record.id, market: record.market }
    to: { topic: { name: ${outsOf(name)[0]}, partitions: ${partitions} } }
`
