import { MultipleErrors, NetworkError, ProtocolError, TimeoutError, type GenericError } from '@platformatic/kafka'
import { BrokerError } from '../broker.ts'

/** The unit was not committed, or nobody knows: whoever gave it must go back to what is committed. */
export class Abandoned extends BrokerError {
  override readonly name = 'Abandoned'
}

/** Nobody knows whether it was committed. */
export class Uncertain extends Abandoned {}

/** Another member owns the partitions now. */
export class Fenced extends Abandoned {}

/** Kafka's names of the errors in what a client threw, such as NOT_LEADER_OR_FOLLOWER. */
export function codesOf(thrown: unknown): string[] {
  if (thrown instanceof ProtocolError) return [String(thrown['apiId'])]
  if (thrown instanceof AggregateError) return thrown.errors.flatMap(codesOf)
  if (thrown instanceof Error && thrown.cause) return codesOf(thrown.cause)
  return []
}

/** What passes by itself: a leader or coordinator that moves, a connection that is lost, replicas that catch up. */
const passing = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'REQUEST_TIMED_OUT',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_CONTROLLER',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'CONCURRENT_TRANSACTIONS',
  'KAFKA_STORAGE_ERROR',
  'UNSTABLE_OFFSET_COMMIT',
  'THROTTLING_QUOTA_EXCEEDED',
])

/** Whether the same request may succeed later. */
export function passes(thrown: unknown): boolean {
  const codes = codesOf(thrown)
  if (codes.length > 0) return codes.every((code) => passing.has(code))
  if (untrusted(thrown)) return false
  if (thrown instanceof BrokerError) return passes(thrown.cause)
  if (thrown instanceof MultipleErrors) return thrown.errors.some(passes)
  if (thrown instanceof TimeoutError || thrown instanceof NetworkError) return !closedClient(thrown)
  return (
    thrown instanceof Error &&
    /^E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_AGAIN)/.test(String((thrown as { code?: unknown }).code))
  )
}

/** A certificate or a key that is refused here, which trying again does not change. */
const untrusted = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  (/CERT|SIGNATURE|^ERR_(OSSL|TLS)/.test(String((thrown as { code?: unknown }).code)) || untrusted(thrown.cause))

const closedClient = (thrown: GenericError): boolean => thrown['closed'] === true

/** What went wrong, in one line, by Kafka's names where it has some. */
function reasonOf(thrown: unknown): string {
  const codes = [...new Set(codesOf(thrown))].filter((code) => code !== 'OPERATION_NOT_ATTEMPTED')
  if (codes.length > 0) return codes.join(', ')
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return reasonOf(thrown.errors.at(-1))
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** As a BrokerError that says what was tried. */
export function asBrokerError(thrown: unknown, what: string): BrokerError {
  if (thrown instanceof BrokerError) return thrown
  const reason = reasonOf(thrown)
  const help = codesOf(thrown).flatMap((code) => advice[code] ?? [])[0]
  return new BrokerError(`${what}: ${reason}${help ? `. ${help}` : ''}`, { cause: thrown })
}

const advice: { readonly [code: string]: string } = {
  TOPIC_AUTHORIZATION_FAILED:
    'Give the principal Read, Write and Describe on the topic, and Create where it is missing; it goes on by itself then.',
  GROUP_AUTHORIZATION_FAILED: 'Give the principal Read on the group; it goes on by itself then.',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    'Give the principal Write and Describe on the transactional id; it goes on by itself then.',
  CLUSTER_AUTHORIZATION_FAILED: 'Give the principal IdempotentWrite on the cluster; it goes on by itself then.',
  SASL_AUTHENTICATION_FAILED: 'Check `sasl` of the broker’s settings.',
  UNKNOWN_TOPIC_OR_PARTITION: 'Create the topic (`oxbow topics FILE --apply`); it goes on by itself then.',
  MESSAGE_TOO_LARGE: 'Raise max.message.bytes of the topic; it goes on by itself then.',
  INVALID_TIMESTAMP:
    'Set message.timestamp.after.max.ms and message.timestamp.before.max.ms of the topic to 9223372036854775807; it goes on by itself then.',
  INVALID_RECORD:
    'A compacted topic takes no record without a key: set its cleanup.policy to delete; it goes on by itself then. Or give the records a key.',
  POLICY_VIOLATION: 'The cluster has a policy against it.',
}
