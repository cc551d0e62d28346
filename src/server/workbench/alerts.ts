import type { Condition } from '../../component/expression.ts'
import type { RunningPipeline } from '../../topology/running.ts'

/** An alert of a config, and where it fires. */
export interface ShownAlert {
  readonly pipeline: string
  readonly name: string
  /** When it fires, in CEL. */
  readonly condition: string
  /** The dead-letter topics that it fires for, as far as this process has the monitor's state. */
  readonly firing: readonly { readonly topic: string; readonly since: string; readonly size: number }[]
}

/** What ends the name of the pipeline that watches another. */
const suffix = '.monitor'
const streamPrefix = 'alert '
const most = 1_000

/** The alerts of pipelines, by the state of the monitors that watch them. */
export async function alertsOf(pipelines: readonly RunningPipeline[]): Promise<readonly ShownAlert[]> {
  const monitors = pipelines.filter(({ name }) => name.endsWith(suffix))
  return (await Promise.all(monitors.map(alertsOfMonitor))).flat()
}

async function alertsOfMonitor(monitor: RunningPipeline): Promise<readonly ShownAlert[]> {
  const streams = monitor.plan.subtopologies.flatMap((each) => each.streams)
  return Promise.all(
    streams.map(async ({ name, steps }) => {
      const { entries } = await monitor.stores({ store: steps[0]!.id, limit: most })
      return {
        pipeline: monitor.name.slice(0, -suffix.length),
        name: name.slice(streamPrefix.length),
        condition: conditionOf(steps[0]!.config),
        firing: entries.flatMap(({ key, value }) => firing(key, value)),
      }
    }),
  )
}

/** That of the alert that planMonitor made. */
const conditionOf = (config: unknown): string => (config as { readonly when: Condition }).when.text

function firing(topic: string, value: unknown): ShownAlert['firing'] {
  const { since, size } = Object(value) as { readonly since?: unknown; readonly size?: unknown }
  return typeof since === 'string' && typeof size === 'number' ? [{ topic, since, size }] : []
}
