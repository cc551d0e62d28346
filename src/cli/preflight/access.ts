import type { Operation, Refusal, Survey } from '../../broker/kafka/survey.ts'
import type { PlannedFile } from '../plans.ts'
import { finder, placesOf, type Finding, type Role } from './finding.ts'

const needs: { readonly [R in Role]: readonly Operation[] } = {
  source: ['Read', 'Describe'],
  connector: ['Read', 'Write', 'Describe'],
  deadLetters: ['Write', 'Describe'],
  output: ['Write', 'Describe'],
  internal: ['Read', 'Write', 'Describe'],
}

/** What the principal must be allowed and is not, and topics that are missing and cannot be created. */
export function findAccessProblems(planned: PlannedFile, survey: Survey): Finding[] {
  const placeOf = placesOf(planned)
  const error = finder(planned, 'error')
  const { name: group } = planned.plan
  const lacking = (operations: readonly Operation[], allowed: ReadonlySet<Operation>) =>
    operations.filter((operation) => !allowed.has(operation)).join(' and ')
  const topics = survey.topics.flatMap(({ name, allowed }) => {
    const topic = placeOf(name)
    const missing = lacking(needs[topic.role], allowed)
    return missing ? error(topic.path(), `topic \`${name}\`: the principal lacks ${missing} on it; give it that`) : []
  })
  const hidden = survey.hidden.map((name) => {
    const topic = placeOf(name)
    return error(
      topic.path(),
      `topic \`${name}\`: the principal must not even see it; give it ${needs[topic.role].join(', ')}, and Create where it is missing`,
    )
  })
  const refused = [...survey.refusals].map(([name, refusal]) =>
    error(placeOf(name).path(), `topic \`${name}\` is missing and cannot be created: ${refusalText(refusal)}`),
  )
  const joins = lacking(['Read', 'Describe'], survey.group)
  return [
    ...topics,
    ...hidden,
    ...refused,
    ...(joins ? [error(['name'], `group \`${group}\`: the principal lacks ${joins} on it; give it that`)] : []),
  ]
}

const creation: { readonly [code: string]: string } = {
  TOPIC_AUTHORIZATION_FAILED: 'the principal lacks Create on it; give it that, or have somebody create the topic',
  CLUSTER_AUTHORIZATION_FAILED:
    'the principal lacks Create on the cluster; give it that, or have somebody create the topic',
  INVALID_REPLICATION_FACTOR: 'the cluster has not so many nodes; say less in `replication`',
  POLICY_VIOLATION: 'a policy of the cluster is against it',
}

function refusalText({ code, message }: Refusal): string {
  const said = message ? ` (${message.replace(/\.$/, '')})` : ''
  return `${creation[code] ?? code}${said}`
}
