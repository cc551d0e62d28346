import { isIP } from 'node:net'
import { SASLMechanisms, type BaseOptions } from '@platformatic/kafka'
import type { KafkaSettings } from '../settings.ts'

const mechanisms = {
  plain: SASLMechanisms.PLAIN,
  'scram-sha-256': SASLMechanisms.SCRAM_SHA_256,
  'scram-sha-512': SASLMechanisms.SCRAM_SHA_512,
  oauthbearer: SASLMechanisms.OAUTHBEARER,
} as const

/** The options of a client of @platformatic/kafka. @param role what the connections are for; part of the client id */
export function connectionOptions(settings: KafkaSettings, role: string): BaseOptions {
  const { brokers, clientId, timeouts, tls, sasl } = settings
  const { serverName, ...certificates } = tls ?? {}
  return {
    clientId: `${clientId}-${role}`,
    bootstrapBrokers: [...brokers],
    connectTimeout: timeouts.connect,
    requestTimeout: timeouts.request,
    // A name to ask for (SNI) must not be an address.
    ...(tls && { tls: certificates, tlsServerName: serverName ?? !brokers.every(isAddress) }),
    ...(sasl && { sasl: { ...sasl, mechanism: mechanisms[sasl.mechanism] } }),
  }
}

const isAddress = (broker: string): boolean => isIP(broker.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')) > 0
