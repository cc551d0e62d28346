import { asyncScheduler } from 'rxjs'
import { openEmbedded } from '../broker/embedded/embedded.ts'
import { catalog } from '../catalog.ts'
import { Ledger } from '../deadletter/ledger/ledger.ts'
import { createLog } from '../monitor/log.ts'
import { planMonitor } from '../monitor/plan.ts'
import { findBuildProblems } from '../topology/build.ts'
import type { Plan } from '../topology/plan.ts'
import { findTestProblems } from '../testing/runTests.ts'
import { ConfigError, readConfig, type ConfigFile, type Problem } from '../topology/read.ts'
import { resolvePlan } from '../topology/resolve.ts'
import { planRetry } from '../topology/retryTopic.ts'
import { placeOf, type BrokerOptions, type BrokerPlace } from './brokerOptions.ts'
import { Exit, exitCodes, UsageError } from './failure.ts'
import { findLoopsAcross } from './loops.ts'

export interface PlannedFile {
  readonly file: ConfigFile
  readonly plan: Plan
}

/** A config that was looked into, all that it needs included. */
export interface Inspection {
  readonly path: string
  /** Absent when the config could not be resolved. */
  readonly planned?: PlannedFile
  readonly problems: readonly Problem[]
}

/** Reads and resolves a config. @throws ConfigError with every mistake in it */
export function readPlan(path: string): PlannedFile {
  const file = readConfig(path, catalog, process.env)
  const plan = resolvePlan(file, catalog)
  return { file, plan }
}

/** Looks into configs that are to run together: their text, their links, their operators, their alerts. */
export async function inspect(paths: readonly string[]): Promise<readonly Inspection[]> {
  const inspections: Inspection[] = []
  for (const path of new Set(paths)) {
    const others = inspections.flatMap(({ planned }) => planned ?? [])
    inspections.push(await inspectOne(path, others))
  }
  return inspections
}

async function inspectOne(path: string, others: readonly PlannedFile[]): Promise<Inspection> {
  const read = attempt(() => readPlan(path))
  if (!('result' in read)) return { path, problems: read.problems }
  const planned = read.result
  const { file, plan } = planned
  const problems = [
    ...findConnectionProblems(file),
    ...findNameTwice(planned, others),
    ...findLoopsAcross(planned, others),
    ...findBuildProblems(file, plan, asyncScheduler, createLog({ level: 'silent' })),
    ...(await findMonitorProblems(planned)),
    ...findTestProblems(file, catalog),
  ]
  return { path, planned, problems }
}

function findConnectionProblems(file: ConfigFile): readonly Problem[] {
  const place = attempt(() => placeOf({ data: '' }, file))
  return 'problems' in place ? place.problems : []
}

/** Two pipelines of one name would share a consumer group, and each would miss what the other reads. */
function findNameTwice({ file, plan }: PlannedFile, others: readonly PlannedFile[]): Problem[] {
  const groupsOf = (own: Plan) => [own, planRetry(own)].flatMap((each) => each?.name ?? [])
  const own = groupsOf(plan)
  const first = others.find((other) => groupsOf(other.plan).some((group) => own.includes(group)))
  if (!first) return []
  const name = groupsOf(first.plan).find((group) => own.includes(group))
  const message = `\`${name}\` is also the name of ${first.file.file}; pipelines that run together need names of their own`
  return [file.problem(['name'], message)]
}

async function findMonitorProblems({ file, plan }: PlannedFile): Promise<readonly Problem[]> {
  const broker = await openEmbedded({ directory: ':memory:' })
  const planned = attempt(() => planMonitor({ file, plan, broker, ledger: new Ledger(broker), catalog }))
  await broker.close()
  return 'problems' in planned ? planned.problems : []
}

function attempt<T>(work: () => T): { readonly result: T } | { readonly problems: readonly Problem[] } {
  try {
    return { result: work() }
  } catch (thrown) {
    if (thrown instanceof ConfigError) return { problems: thrown.problems }
    throw thrown
  }
}

/** Configs that are to run together, without mistakes. @throws Exit after printing those that they have */
export async function soundPlans(paths: readonly string[]): Promise<readonly PlannedFile[]> {
  const inspections = await inspect(paths)
  const problems = inspections.flatMap((inspection) => inspection.problems)
  for (const problem of problems) console.error(problemLine(problem))
  if (problems.length > 0) throw new Exit(exitCodes.usage)
  return inspections.flatMap(({ planned }) => planned ?? [])
}

/** The one broker of all configs; that of the options where there are none. @throws UsageError when they name several */
export function onePlace(planned: readonly PlannedFile[], options: BrokerOptions): BrokerPlace {
  const [first = placeOf(options), ...others] = planned.map(({ file }) => placeOf(options, file))
  const other = others.findIndex((place) => JSON.stringify(place) !== JSON.stringify(first))
  if (other < 0) return first
  throw new UsageError(
    `${planned[0]!.file.file} and ${planned[other + 1]!.file.file} name different brokers or guarantees: run them apart`,
  )
}

/** One line, as editors and compilers write it. */
export const problemLine = ({ file, line, column, message }: Problem): string => `${file}:${line}:${column}: ${message}`
