import type { SchedulerLike } from 'rxjs'
import type { Log } from '../component/context.ts'
import { memoryState } from '../component/state.ts'
import type { Plan } from './plan.ts'
import type { ConfigFile, Problem } from './read.ts'

/**
 * Builds every operator of a plan once, as a task would, and lets go of it: finds the schemas, tables and user files that
 * cannot be read.
 */
export function findBuildProblems(file: ConfigFile, plan: Plan, scheduler: SchedulerLike, log: Log): Problem[] {
  const stop = new AbortController()
  const context = { scheduler, directory: plan.directory, log, signal: stop.signal }
  const streams = plan.subtopologies.flatMap((subtopology) => subtopology.streams)
  const problems = streams.flatMap((stream) =>
    stream.steps.flatMap(({ id, spec, config }, place): Problem[] => {
      try {
        spec.build(config, { ...context, name: id, state: memoryState() })
        return []
      } catch (thrown) {
        const message = thrown instanceof Error ? thrown.message : String(thrown)
        return [file.problem(['streams', stream.name, 'steps', place, spec.name], `\`${spec.name}\`: ${message}`)]
      }
    }),
  )
  stop.abort()
  return problems
}
