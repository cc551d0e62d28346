import type { Waiting } from '../../component/operator.ts'
import type { RunningPipeline } from '../../topology/running.ts'

/** What an operator has in its state until time goes on. */
export interface StillHeld {
  readonly operator: string
  readonly count: number
  /** Whether there is more than was counted. */
  readonly more: boolean
  readonly what: string
}

/** Entries that are looked at of each operator. */
const most = 10_000

/** What operators of pipelines have in their state that only a later record, or the clock, lets go of. */
export async function stillHeld(pipelines: readonly RunningPipeline[]): Promise<readonly StillHeld[]> {
  const steps = pipelines.flatMap((pipeline) =>
    pipeline.plan.subtopologies.flatMap(({ streams }) =>
      streams.flatMap((stream) => stream.steps.map((step) => ({ ...step, pipeline }))),
    ),
  )
  const held = steps.flatMap(({ id, spec, config, pipeline }) =>
    (spec.waits?.(config) ?? []).map((waiting) => heldBy(pipeline, id, waiting)),
  )
  return (await Promise.all(held)).filter(({ count }) => count > 0)
}

async function heldBy(pipeline: RunningPipeline, operator: string, { what, keys, count }: Waiting): Promise<StillHeld> {
  const { entries } = await pipeline.stores({ store: operator, prefix: keys, limit: most + 1 })
  const counted = entries.slice(0, most).reduce((sum, { value }) => sum + count(value), 0)
  return { operator, count: counted, more: entries.length > most, what }
}

/** What is said of it at the end of a run. */
export function heldText(held: readonly StillHeld[]): string {
  const each = held.map(
    ({ operator, count, more, what }) =>
      `${operator} holds ${what}: ${count.toLocaleString('en-US')}${more ? ' and more' : ''}`,
  )
  return `${each.join('; ')}. A later record lets go of what its time has passed; so does the clock where \`idle\` is given, while the pipeline runs.`
}
