import { catalog as everyComponent } from '../catalog.ts'
import type { Catalog } from '../component/catalog.ts'
import { Ledger } from '../deadletter/ledger/ledger.ts'
import { planMonitor } from '../monitor/plan.ts'
import type { Plan } from '../topology/plan.ts'
import { parseConfig, readConfig, type ConfigFile, type Environment } from '../topology/read.ts'
import { resolvePlan } from '../topology/resolve.ts'
import { drive, type Driven, type DriveOptions } from './drive.ts'
import { reportFailure } from './report.ts'
import { readScenario, type TopologyTest } from './scenario.ts'
import type { Guarantee } from './unitFaults.ts'

export interface TopologyOptions {
  /** The components that a config may name; all of Oxbow's when absent. */
  readonly catalog?: Catalog
  /** What `${NAME}` in a config stands for; nothing when absent, so that only defaults are filled in. */
  readonly environment?: Environment
  /** Real milliseconds for which nothing may come of asynchronous calls; 5000 when absent. */
  readonly patience?: number
  /** What a crash may do, of a resolved plan; a config says it itself. Exactly once when absent. */
  readonly guarantee?: Guarantee
}

/** A topology did not do what its test expects. The message holds the marble diagrams. */
export class TopologyFailure extends Error {
  override readonly name = 'TopologyFailure'
}

/**
 * Runs a whole topology on virtual time over a broker in memory: given marbles per source, expected marbles per topic,
 * dead-letter topic, external sink and `alerts`, what tables and operators keep at the end, and what goes wrong. Sources do not look outside and external sinks write nothing. The law of
 * conservation is asserted along the way.
 * @param topology a config as its file or, when it has several lines, its text; or a resolved plan
 * @returns what came out, when and where
 * @throws TopologyFailure, ConfigError, ScenarioError, TestHang
 */
export async function runTopology(
  topology: Plan | string,
  test: TopologyTest,
  options: TopologyOptions = {},
): Promise<Driven> {
  const { catalog = everyComponent, environment = {}, patience, guarantee } = options
  if (typeof topology !== 'string') return runPlan({ plan: topology, test, patience, guarantee })
  const file = topology.includes('\n')
    ? parseConfig(topology, 'pipeline.yaml', catalog, environment)
    : readConfig(topology, catalog, environment)
  const plan = resolvePlan(file, catalog)
  const monitor = monitorOf(file, plan, catalog)
  return runPlan({ plan, test, patience, monitor, guarantee: file.config.guarantee })
}

/** How to watch a plan's dead letters; undefined where the config has no alerts. */
export function monitorOf(file: ConfigFile, plan: Plan, catalog: Catalog): DriveOptions['monitor'] {
  if (!file.config.monitor?.alerts.length) return undefined
  return (broker) => planMonitor({ file, plan, broker, ledger: new Ledger(broker), catalog })
}

async function runPlan({
  test,
  ...rest
}: Omit<DriveOptions, 'scenario'> & { readonly test: TopologyTest }): Promise<Driven> {
  const scenario = readScenario(test, rest.plan, rest.monitor !== undefined)
  const driven = await drive({ ...rest, scenario })
  const failure = reportFailure(scenario, driven)
  if (failure.length > 0) throw new TopologyFailure(failure.join('\n'))
  return driven
}
