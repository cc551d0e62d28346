import type { KafkaSettings } from '../../broker/kafka/settings.ts'
import type { Survey } from '../../broker/kafka/survey.ts'
import { durationText } from '../../component/fields.ts'
import type { PlannedFile } from '../plans.ts'
import { finder, type Finding } from './finding.ts'

/** What the ledger of conservation may need beside an offset, in bytes. */
const ledgerBytes = 4_096

/** Whether the guarantee can be had, and the timeouts: the brokers have the last word on both. */
export function findLimitProblems(
  planned: PlannedFile,
  { limits, producer }: Survey,
  { clientId, timeouts }: KafkaSettings,
): Finding[] {
  const error = finder(planned, 'error')
  const findings: Finding[] = []
  const add = (path: readonly string[], message: string) => findings.push(error(path, message))
  const timeout = (name: string) => ['broker', 'kafka', 'timeouts', name]
  const { transaction, shortestSession = 0, longestSession = Infinity, offsetMetadata = Infinity } = limits
  const exact = planned.file.config.guarantee === 'exactlyOnce'
  if (exact && timeouts.transaction > (transaction ?? Infinity))
    add(
      timeout('transaction'),
      `a transaction may take ${durationText(timeouts.transaction)}, but the brokers allow ${durationText(transaction!)} (transaction.max.timeout.ms); say no more than that`,
    )
  else if (producer) add(['guarantee'], producerText(producer.code, exact, clientId))
  if (timeouts.session < shortestSession || timeouts.session > longestSession)
    add(
      timeout('session'),
      `a session of ${durationText(timeouts.session)} is refused: the brokers allow ${durationText(shortestSession)} to ${durationText(longestSession)} (group.min.session.timeout.ms, group.max.session.timeout.ms)`,
    )
  if (timeouts.heartbeat >= timeouts.session)
    add(
      timeout('heartbeat'),
      `a heartbeat every ${durationText(timeouts.heartbeat)} comes too late for a session of ${durationText(timeouts.session)}; say a third of that, or less`,
    )
  if (offsetMetadata < ledgerBytes)
    add(
      ['name'],
      `the brokers keep ${offsetMetadata} bytes beside an offset (offset.metadata.max.bytes); the ledger of conservation needs ${ledgerBytes}, Kafka’s default`,
    )
  return findings
}

function producerText(code: string, exact: boolean, clientId: string): string {
  switch (code) {
    case 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED':
      return `exactlyOnce cannot be had: the principal lacks Write and Describe on transactional ids that begin with \`${clientId}-\`; give it that, or say atLeastOnce`
    case 'CLUSTER_AUTHORIZATION_FAILED':
      return 'the principal may not write idempotently; give it Write on its topics, or IdempotentWrite on the cluster'
    case 'INVALID_TRANSACTION_TIMEOUT':
      return 'exactlyOnce cannot be had: the brokers allow no transaction as long as `timeouts.transaction`; say less (transaction.max.timeout.ms)'
    default:
      return `${exact ? 'exactlyOnce' : 'atLeastOnce'} cannot be had: no producer is given, ${code}`
  }
}
