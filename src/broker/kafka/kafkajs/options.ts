import { logLevel, type KafkaConfig, type SASLOptions } from 'kafkajs'
import type { Node } from '../client.ts'
import type { KafkaSettings } from '../settings.ts'

/** How long before a session ends it is renewed on its connection, in milliseconds: not at all. */
const never = -Number.MAX_SAFE_INTEGER

/** The options of kafkajs for connections to one node. @param role what they are for; part of the client id */
export function kafkajsOptions(settings: KafkaSettings, role: string, { host, port }: Node): KafkaConfig {
  const { clientId, timeouts, tls, sasl } = settings
  const { serverName, ...certificates } = tls ?? {}
  return {
    clientId: `${clientId}-${role}`,
    brokers: [`${host}:${port}`],
    connectionTimeout: timeouts.connect,
    authenticationTimeout: timeouts.connect,
    requestTimeout: timeouts.request,
    // kafkajs would take the answer to a request under way for the one to its credentials. A new connection begins anew.
    reauthenticationThreshold: never,
    // Failures are thrown to who asked, and tried again there.
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
    ...(tls && { ssl: { ...certificates, ...(serverName !== undefined && { servername: serverName }) } }),
    ...(sasl && { sasl: saslOptions(sasl) }),
  }
}

function saslOptions(sasl: NonNullable<KafkaSettings['sasl']>): SASLOptions {
  if (sasl.mechanism !== 'oauthbearer') return sasl
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: sasl.token() }) }
}
