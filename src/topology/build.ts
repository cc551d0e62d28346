import type { SchedulerLike } from 'rxjs'
import type { Log } from '../component/context.ts'
import type { Step } from '../component/operator.ts'
import { memoryState } from '../component/state.ts'
import { readTable } from '../component/tableStore.ts'
import type { Plan, PlannedStep, PlannedStream, Subtopology } from './plan.ts'
import type { ConfigFile, Problem } from './read.ts'
import { retriedElsewhere } from './retryTopic.ts'
import { sourcesOf } from './upstream.ts'

/**
 * Builds every operator of a plan once, as a task would, and lets go of it: finds the schemas, tables and user files that
 * cannot be read, and operators that a retry pipeline cannot run.
 */
export function findBuildProblems(file: ConfigFile, plan: Plan, scheduler: SchedulerLike, log: Log): Problem[] {
  const stop = new AbortController()
  const context = { scheduler, directory: plan.directory, log, signal: stop.signal }
  const problems = plan.subtopologies.flatMap((subtopology) =>
    subtopology.streams.flatMap((stream) => {
      const sources = { elsewhere: retriedElsewhere(stream, subtopology), again: runAgain(stream, subtopology) }
      return stream.steps.flatMap((step, place): Problem[] => {
        const found = problemOf(step, context, sources)
        const { stream: name, step: first } = stream.written
        const path = ['streams', name, 'steps', first + place, step.spec.name]
        return found === undefined ? [] : [file.problem(path, `\`${step.spec.name}\`${found}`)]
      })
    }),
  )
  stop.abort()
  return problems
}

type Surroundings = Omit<Parameters<PlannedStep['spec']['build']>[1], 'name' | 'partition' | 'state' | 'table'>

/** The source whose records run from their beginning on when they are tried again, if there is one. */
function runAgain({ name }: PlannedStream, { sources, streams }: Subtopology): string | undefined {
  const reaching = sourcesOf(name, streams)
  return sources.find(({ name: source, deadLetters: { retry } }) => retry.reenter === 'source' && reaching.has(source))
    ?.name
}

/** Sources whose retries pass a step in another pipeline, or once more in this one. */
interface Retried {
  readonly elsewhere: string | undefined
  readonly again: string | undefined
}

function problemOf(
  { id, spec, config, reads }: PlannedStep,
  context: Surroundings,
  { elsewhere, again }: Retried,
): string | undefined {
  let remembers = false
  let step: Step
  try {
    step = spec.build(config, {
      ...context,
      name: id,
      partition: 0,
      table: () => readTable(memoryState()),
      get state() {
        remembers = true
        return memoryState()
      },
    })
  } catch (thrown) {
    return `: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  }
  if (elsewhere !== undefined && (reads.table ?? reads.global) !== undefined)
    return ` reads a table, and the retries of \`${elsewhere}\` would pass another one, in the retry pipeline, which has no rows; leave \`deadLetters.retry.topic\` out: retries then wait in the state of their task`
  const holds = typeof step !== 'function' && 'over' in step
  if (elsewhere !== undefined && (remembers || holds))
    return ` ${remembers ? 'remembers' : 'holds'} records, and the retries of \`${elsewhere}\` would pass another one, in the retry pipeline; leave \`deadLetters.retry.topic\` out: retries then wait in the state of their task`
  if (again !== undefined && remembers && spec.keyed)
    return ` remembers records, and the retries of \`${again}\` would pass it again, as if they were others; leave \`deadLetters.retry.reenter: source\` out: they go on at the operator that failed`
  return undefined
}
