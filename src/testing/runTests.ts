import type { Catalog } from '../component/catalog.ts'
import { ConfigError, type ConfigFile, type Problem } from '../topology/read.ts'
import { resolvePlan } from '../topology/resolve.ts'
import { drive } from './drive.ts'
import { reportFailure } from './report.ts'
import { monitorOf } from './runTopology.ts'
import { readScenario, ScenarioError, type Scenario } from './scenario.ts'

export interface RunTestsOptions {
  /** Runs only the tests whose names hold this text, in any case. */
  readonly filter?: string
  /** Real milliseconds for which nothing may come of asynchronous calls; 5000 when absent. */
  readonly patience?: number
}

export interface TestResult {
  readonly name: string
  /** Lines that say why it failed; undefined when it passed. */
  readonly failure?: readonly string[]
}

/**
 * Runs the tests inside a config, each on virtual time and a broker of its own, one after another.
 * @throws ConfigError for tests that cannot be meant, before any is run
 */
export async function runTests(
  file: ConfigFile,
  catalog: Catalog,
  { filter = '', patience }: RunTestsOptions = {},
): Promise<readonly TestResult[]> {
  const plan = resolvePlan(file, catalog)
  const monitor = monitorOf(file, plan, catalog)
  const scenarios = readScenarios(file, catalog)
  const results: TestResult[] = []
  for (const { name, scenario } of scenarios) {
    if (!name.toLowerCase().includes(filter.toLowerCase())) continue
    const failure = await drive({ plan, scenario, monitor, patience, guarantee: file.config.guarantee }).then(
      (driven) => reportFailure(scenario, driven),
      (thrown: Error) => [thrown.message],
    )
    results.push({ name, ...(failure.length > 0 && { failure }) })
  }
  return results
}

/** The mistakes in a config's tests: unknown topics, letters without a value, marbles that cannot be read. */
export function findTestProblems(file: ConfigFile, catalog: Catalog): readonly Problem[] {
  try {
    readScenarios(file, catalog)
    return []
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems
    throw thrown
  }
}

function readScenarios(file: ConfigFile, catalog: Catalog): { readonly name: string; readonly scenario: Scenario }[] {
  const plan = resolvePlan(file, catalog)
  const watched = monitorOf(file, plan, catalog) !== undefined
  const problems: Problem[] = []
  const scenarios = file.config.tests.flatMap((test, at) => {
    try {
      return [{ name: test.name, scenario: readScenario(test, plan, watched) }]
    } catch (thrown) {
      if (!(thrown instanceof ScenarioError)) throw thrown
      problems.push(...thrown.mistakes.map(({ path, message }) => file.problem(['tests', at, ...path], message)))
      return []
    }
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return scenarios
}

/** The results of a file as `oxbow test` prints them: a line a test, and below a failed one what went wrong. */
export function describeResults(results: readonly TestResult[]): string {
  return results
    .flatMap(({ name, failure }) =>
      failure ? [`✗ ${name}`, ...failure.map((line) => (line === '' ? '' : `    ${line}`)), ''] : [`✓ ${name}`],
    )
    .join('\n')
}

/** The closing line: `3 passed, 1 failed`. */
export function summarizeResults(results: readonly TestResult[]): string {
  const failed = results.filter(({ failure }) => failure).length
  return `${results.length - failed} passed, ${failed} failed`
}
