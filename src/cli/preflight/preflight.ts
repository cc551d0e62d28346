import type { Broker } from '../../broker/broker.ts'
import { defaultData, hasData, openPlace, placeOf, type BrokerOptions, type BrokerPlace } from '../brokerOptions.ts'
import { findTopics, neededTopics } from '../neededTopics.ts'
import type { PlannedFile } from '../plans.ts'
import { compareTopics } from '../topicDifferences.ts'
import { findAccessProblems } from './access.ts'
import { findDifferences } from './differences.ts'
import type { Finding } from './finding.ts'
import { findLosses } from './letters.ts'
import { findLimitProblems } from './limits.ts'
import { findRecordProblems } from './records.ts'
import { findReplicaProblems } from './replicas.ts'

/** Everything about the live broker that would harm a pipeline, its error path above all. */
export async function preflight(planned: PlannedFile, options: BrokerOptions): Promise<readonly Finding[]> {
  const place = placeOf(options, planned.file)
  if (!hasData(place)) {
    console.error(`oxbow: ${options.data ?? defaultData} has no topics yet; there is nothing to compare`)
    return []
  }
  const broker = await openPlace(place, 'read')
  try {
    if (place.kind === 'embedded') return await differencesIn(planned, place, broker)
    const { surveyCluster } = await import('../../broker/kafka/survey.ts')
    const { settings, guarantee } = place
    const topics = await neededTopics(planned, place, broker)
    const transactions = guarantee === 'exactlyOnce'
    const survey = await surveyCluster({ settings, group: planned.plan.name, topics, transactions })
    const leaderless = survey.topics.filter((topic) => topic.leaderless.length > 0).map(({ name }) => name)
    const hidden = new Set([...survey.hidden, ...leaderless])
    const { needed, live } = await findTopics(planned, place, broker, hidden)
    return [
      ...findDifferences(planned, compareTopics(needed, live)),
      ...findRecordProblems(planned, live, hidden),
      ...findReplicaProblems(planned, survey, live),
      ...findAccessProblems(planned, survey),
      ...findLimitProblems(planned, survey, settings),
      ...(await findLosses(planned, place, broker, live, Date.now())),
    ]
  } finally {
    await broker.close()
  }
}

async function differencesIn(planned: PlannedFile, place: BrokerPlace, broker: Broker): Promise<Finding[]> {
  const { needed, live } = await findTopics(planned, place, broker)
  return [
    ...findDifferences(planned, compareTopics(needed, live)),
    ...(await findLosses(planned, place, broker, live, Date.now())),
  ]
}
