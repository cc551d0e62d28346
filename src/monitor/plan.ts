import type { Broker } from '../broker/broker.ts'
import type { Catalog } from '../component/catalog.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import {
  externalSources,
  type Plan,
  type PlannedSource,
  type PlannedStep,
  type PlannedStream,
} from '../topology/plan.ts'
import { ConfigError, type ConfigFile } from '../topology/read.ts'
import { planDeadLetters, planSinks } from '../topology/resolve.ts'
import { topicsOf } from '../topology/topics.ts'
import { condition, ExpressionFault, type Condition } from '../component/expression.ts'
import { alertVariables, defaultInterval } from '../topology/config.ts'
import { alert } from './alert.ts'
import type { Sample } from './sample.ts'
import { sizes } from './sizes.ts'

const hour = 3_600_000

/** What every condition must have an answer for. */
const anySample: Sample = {
  source: 'orders',
  topic: 'dlq.orders',
  size: 1,
  growth: 1,
  rate: 1,
  age: 1,
  share: 1,
  read: 1,
  dead: 1,
  parked: 1,
  paused: 1,
  newGroups: 1,
  regressedGroups: 1,
  groups: [],
}

export interface MonitorParts {
  readonly file: ConfigFile
  /** The plan of the pipeline that is watched. */
  readonly plan: Plan
  /** Where that pipeline's topics are. */
  readonly broker: Broker
  /** What becomes of its dead letters. */
  readonly ledger: Ledger
  readonly catalog: Catalog
}

/**
 * The topology that watches a pipeline's dead-letter topics: a pipeline like any other, named `<pipeline>.monitor`. One
 * source samples the topics, one stream per alert turns the samples into alert records. Its own dead letters go to a
 * topic that it does not watch (law 9).
 * Where keys keep their order, a partition that pauses raises one that nobody has to ask for.
 * @returns undefined where there are no alerts
 * @throws ConfigError for alerts that cannot work
 */
export function planMonitor({ file, plan, broker, ledger, catalog }: MonitorParts): Plan | undefined {
  const monitor = file.config.monitor ?? { every: defaultInterval, alerts: [] }
  const ordered = plan.subtopologies.some(({ sources }) => sources.some(({ deadLetters }) => deadLetters.parked))
  if (monitor.alerts.length === 0 && !ordered) return undefined
  const name = `${plan.name}.monitor`
  const topic = `${name}.sizes`
  const source: PlannedSource = {
    name: topic,
    spec: sizes(plan, broker, ledger),
    config: { every: monitor.every },
    format: 'json',
    partitions: 1,
    retention: hour,
    deadLetters: { ...planDeadLetters(topic, { topic: 'dlq.{source}' }, file), pipeline: name },
  }
  const streams = monitor.alerts.map((entry) => planAlert(entry, topic, catalog))
  if (ordered) streams.push(planAlert(pauseAlert(catalog), topic, catalog))
  checkAlerts(file, plan, source, streams)
  return {
    name,
    directory: plan.directory,
    revision: plan.revision,
    subtopologies: [{ id: 0, sources: [source], streams }],
    topics: topicsOf([source], streams),
  }
}

function pauseAlert({ sinks }: Catalog): AlertEntry {
  const log = sinks.find(({ name }) => name === 'log')!
  const when = condition(alertVariables).parse('paused > 0')
  return { name: 'partition paused', when, to: { log: log.config.parse({}) } }
}

type AlertEntry = NonNullable<ConfigFile['config']['monitor']>['alerts'][number]

function planAlert(
  { name, when, step = 2, clear = 0.8, to }: AlertEntry,
  from: string,
  catalog: Catalog,
): PlannedStream {
  const alertName = name ?? when.text
  const stream = `alert ${alertName}`
  const planned: PlannedStep = {
    id: `${stream}.alert`,
    spec: alert,
    config: { name: alertName, when, step, clear },
    reads: {},
  }
  const written = { stream, step: 0 }
  return { name: stream, written, from: [from], steps: [planned], sinks: planSinks(stream, to, catalog) }
}

function checkAlerts(file: ConfigFile, plan: Plan, source: PlannedSource, streams: readonly PlannedStream[]): void {
  const watched = externalSources(plan).flatMap(({ name, deadLetters }) => [name, deadLetters.topic])
  const own = [source.name, source.deadLetters.topic]
  const problems = streams.flatMap(({ name, sinks }, place) => {
    const at = (message: string) => file.problem(['monitor', 'alerts', place], message)
    const twice = streams.findIndex((other) => other.name === name) < place
    const looping = sinks.filter(({ topic }) => topic && [...watched, ...own].includes(topic.name))
    return [
      ...(twice
        ? [at(`there are two alerts called \`${name.slice('alert '.length)}\`; give each its own \`name\``)]
        : []),
      ...looping.map(({ topic }) =>
        at(
          `an alert cannot be written to \`${topic!.name}\`, which the pipeline reads or the monitor counts; use a topic of its own`,
        ),
      ),
    ]
  })
  const unanswered = (file.config.monitor?.alerts ?? []).flatMap(({ when }, place) => {
    const problem = problemOf(when)
    return problem === undefined ? [] : [file.problem(['monitor', 'alerts', place, 'when'], problem)]
  })
  if (problems.length + unanswered.length > 0) throw new ConfigError([...problems, ...unanswered])
}

/** An alert that fails at every sample would raise nothing, and say so to nobody. */
function problemOf(when: Condition): string | undefined {
  try {
    when.holds({ ...anySample })
    return undefined
  } catch (thrown) {
    if (thrown instanceof ExpressionFault) return thrown.message
    throw thrown
  }
}
