import type { Broker, TopicInfo, TopicSpec } from '../broker/broker.ts'
import { catalog } from '../catalog.ts'
import { planMonitor } from '../monitor/plan.ts'
import { sized } from '../topology/prepareTopics.ts'
import { planRetry } from '../topology/retryTopic.ts'
import { Ledger } from '../deadletter/ledger/ledger.ts'
import { inputsOf, type Plan } from '../topology/plan.ts'
import type { BrokerPlace } from './brokerOptions.ts'
import type { PlannedFile } from './plans.ts'

/** The topics that a pipeline and its monitor need, those of Oxbow's own included, and what there is of them. */
export interface NeededTopics {
  readonly needed: readonly TopicSpec[]
  readonly live: readonly TopicInfo[]
}

/** Looks at the topics of a config on its broker. @param hidden topics that cannot be looked at */
export async function findTopics(
  planned: PlannedFile,
  place: BrokerPlace,
  broker: Broker,
  hidden: ReadonlySet<string> = new Set(),
): Promise<NeededTopics> {
  const names = (await neededTopics(planned, place, broker)).map(({ name }) => name)
  const live = await broker.topics(names.filter((name) => !hidden.has(name)))
  return { needed: sized(await neededTopics(planned, place, broker, live), live), live }
}

/** @param live decides how many partitions a changelog needs */
export async function neededTopics(
  planned: PlannedFile,
  place: BrokerPlace,
  broker: Broker,
  live: readonly TopicInfo[] = [],
): Promise<readonly TopicSpec[]> {
  const monitor = planMonitor({ ...planned, broker, ledger: new Ledger(broker), catalog })
  const own = [planned.plan, ...(monitor ? [monitor] : [])]
  const topics = own.flatMap((plan) => plan.topics)
  if (place.kind === 'embedded') return topics
  const { changelogSpec } = await import('../broker/kafka/changelog.ts')
  const retry = planRetry(planned.plan)
  const changelogs = [...own, ...(retry ? [retry] : [])].map((plan) =>
    changelogSpec(plan.name, widest(plan, live), plan.subtopologies.flatMap(inputsOf)),
  )
  return [...topics, ...changelogs]
}

/** As many partitions as its widest source has: a task has the state of its own partition. */
function widest({ subtopologies }: Plan, live: readonly TopicInfo[]): number {
  const counts = subtopologies.flatMap(({ sources }) =>
    sources.map(({ name, partitions = 1 }) => live.find((info) => info.name === name)?.partitions.length ?? partitions),
  )
  return Math.max(...counts)
}
