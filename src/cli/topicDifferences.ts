import type { TopicInfo, TopicSpec } from '../broker/broker.ts'
import { durationText } from './output.ts'

/** A topic as a pipeline needs it, next to what there is. */
export interface TopicComparison {
  readonly name: string
  readonly exists: boolean
  /** Absent where the pipeline leaves it to the broker. */
  readonly partitions?: number
  /** Milliseconds; for ever when absent. */
  readonly retention?: number
  readonly live?: { readonly partitions: number; readonly retention?: number }
  /** In words; empty when all is as it should be. */
  readonly differences: readonly string[]
}

export const compareTopics = (needed: readonly TopicSpec[], live: readonly TopicInfo[]): TopicComparison[] =>
  needed.map((spec) => {
    const info = live.find(({ name }) => name === spec.name)
    if (!info) return { ...spec, exists: false, differences: ['is missing'] }
    const { length: partitions } = info.partitions
    const kept = info.retention === undefined ? {} : { retention: info.retention }
    return {
      ...spec,
      exists: true,
      live: { partitions, ...kept },
      differences: differencesOf(spec, partitions, info.retention),
    }
  })

function differencesOf(spec: TopicSpec, partitions: number, retention: number | undefined): string[] {
  const differences: string[] = []
  if (spec.partitions !== undefined && spec.partitions !== partitions) {
    differences.push(`has ${partitions} partitions, the config says ${spec.partitions}`)
  }
  if (spec.retention !== undefined && spec.retention !== retention) {
    differences.push(`keeps records ${kept(retention)}, the config says ${kept(spec.retention)}`)
  }
  return differences
}

export const kept = (retention: number | undefined): string =>
  retention === undefined ? 'for ever' : durationText(retention)
