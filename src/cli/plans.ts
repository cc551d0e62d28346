import { catalog } from '../catalog.ts'
import type { Plan } from '../topology/plan.ts'
import { ConfigError, readConfig, type ConfigFile, type Problem } from '../topology/read.ts'
import { resolvePlan } from '../topology/resolve.ts'
import { noKafka } from './brokerOptions.ts'
import { Exit, exitCodes } from './failure.ts'

export interface PlannedFile {
  readonly file: ConfigFile
  readonly plan: Plan
}

/** Reads and resolves a config. @throws ConfigError with every mistake in it */
export function readPlan(path: string): PlannedFile {
  const file = readConfig(path, catalog, process.env)
  const plan = resolvePlan(file, catalog)
  if (file.config.broker !== 'embedded') throw new ConfigError([file.problem(['broker'], noKafka)])
  return { file, plan }
}

/** Reads and resolves configs that run together; prints the mistakes of all of them. @throws Exit when there are any */
export function readPlans(paths: readonly string[]): readonly PlannedFile[] {
  const planned: PlannedFile[] = []
  const problems: Problem[] = []
  for (const path of new Set(paths)) {
    try {
      planned.push(readPlan(path))
    } catch (thrown) {
      if (!(thrown instanceof ConfigError)) throw thrown
      problems.push(...thrown.problems)
    }
  }
  problems.push(...findNamesTwice(planned))
  if (problems.length === 0) return planned
  for (const problem of problems) console.error(problemLine(problem))
  throw new Exit(exitCodes.usage)
}

/** Two pipelines of one name would share a consumer group, and each would miss what the other reads. */
export function findNamesTwice(planned: readonly PlannedFile[]): Problem[] {
  return planned.flatMap(({ file, plan }, at) => {
    const first = planned.slice(0, at).find((other) => other.plan.name === plan.name)
    if (!first) return []
    return [file.problem(['name'], `\`${plan.name}\` is also the name of ${first.file.file}; pipelines that run together need names of their own`)]
  })
}

export const problemLine = ({ file, line, column, message }: Problem): string => `${file}:${line}:${column}: ${message}`
