import type { TopicInfo } from '../../broker/broker.ts'
import type { Survey } from '../../broker/kafka/survey.ts'
import type { PlannedFile } from '../plans.ts'
import { finder, placesOf, type Finding } from './finding.ts'

/** Topics that cannot take what must be acknowledged by all, or that would lose it with one node. */
export function findReplicaProblems(
  planned: PlannedFile,
  { topics, nodes }: Survey,
  infos: readonly TopicInfo[],
): Finding[] {
  const placeOf = placesOf(planned)
  const error = finder(planned, 'error')
  const warning = finder(planned, 'warning')
  return topics.flatMap(({ name, leaderless, replicas, inSync }) => {
    const path = placeOf(name).path()
    const { minInSync = 1 } = infos.find((info) => info.name === name) ?? {}
    const about = (text: string) => `topic \`${name}\`: ${text}`
    if (leaderless.length > 0)
      return error(
        path,
        about(
          `no node leads partition ${leaderless.join(', ')} now, so that nothing is read or written there; bring its nodes back`,
        ),
      )
    if (minInSync > replicas)
      return error(
        path,
        about(
          `has ${counted(replicas)}, but min.insync.replicas ${minInSync}: nothing can ever be written; lower that, or add replicas`,
        ),
      )
    if (minInSync > inSync)
      return error(
        path,
        about(
          `${inSync} of its ${counted(replicas)} are in sync, and min.insync.replicas is ${minInSync}: nothing can be written now; bring its nodes back`,
        ),
      )
    if (replicas === 1 && nodes > 1)
      return warning(
        path,
        about(`has one replica on a cluster of ${nodes}: it is lost with its node; give it ${Math.min(3, nodes)}`),
      )
    if (replicas > 1 && minInSync === replicas)
      return warning(
        path,
        about(
          `min.insync.replicas is ${minInSync}, as many as it has: with one node down nothing can be written; say ${minInSync - 1}`,
        ),
      )
    if (replicas > 2 && minInSync === 1)
      return warning(path, about('min.insync.replicas is 1: what one node alone acknowledged is lost with it; say 2'))
    return []
  })
}

const counted = (replicas: number): string => `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`
