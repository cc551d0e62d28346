import type { SchedulerLike } from 'rxjs'
import type { Log } from '../component/context.ts'
import type { Step } from '../component/operator.ts'
import { memoryState } from '../component/state.ts'
import { readTable } from '../component/tableStore.ts'
import type { Plan, PlannedStep } from './plan.ts'
import type { ConfigFile, Problem } from './read.ts'
import { retriedElsewhere } from './retryTopic.ts'

/**
 * Builds every operator of a plan once, as a task would, and lets go of it: finds the schemas, tables and user files that
 * cannot be read, and operators that a retry pipeline cannot run.
 */
export function findBuildProblems(file: ConfigFile, plan: Plan, scheduler: SchedulerLike, log: Log): Problem[] {
  const stop = new AbortController()
  const table = () => readTable(memoryState())
  const context = { scheduler, directory: plan.directory, log, signal: stop.signal, table }
  const problems = plan.subtopologies.flatMap((subtopology) =>
    subtopology.streams.flatMap((stream) => {
      const source = retriedElsewhere(stream, subtopology)
      return stream.steps.flatMap((step, place): Problem[] => {
        const found = problemOf(step, context, source)
        const { stream: name, step: first } = stream.written
        const path = ['streams', name, 'steps', first + place, step.spec.name]
        return found === undefined ? [] : [file.problem(path, `\`${step.spec.name}\`${found}`)]
      })
    }),
  )
  stop.abort()
  return problems
}

type Surroundings = Omit<Parameters<PlannedStep['spec']['build']>[1], 'name' | 'state'>

/** @param source whose retries pass the step in another pipeline, if any do */
function problemOf(
  { id, spec, config }: PlannedStep,
  context: Surroundings,
  source: string | undefined,
): string | undefined {
  let remembers = false
  let step: Step
  try {
    step = spec.build(config, {
      ...context,
      name: id,
      get state() {
        remembers = true
        return memoryState()
      },
    })
  } catch (thrown) {
    return `: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  }
  const holds = typeof step !== 'function' && 'over' in step
  if (source === undefined || !(remembers || holds)) return undefined
  return ` ${remembers ? 'remembers' : 'holds'} records, and the retries of \`${source}\` would pass another one, in the retry pipeline; leave \`deadLetters.retry.topic\` out: retries then wait in the state of their task`
}
