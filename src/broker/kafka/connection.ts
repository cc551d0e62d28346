import type { BaseOptions } from '@platformatic/kafka'
import type { KafkaSettings } from './settings.ts'

/** The options of a client of @platformatic/kafka. @param role what the connections are for; part of the client id */
export function connectionOptions(settings: KafkaSettings, role: string): BaseOptions {
  const { brokers, clientId, timeouts } = settings
  return {
    clientId: `${clientId}-${role}`,
    bootstrapBrokers: [...brokers],
    connectTimeout: timeouts.connect,
    requestTimeout: timeouts.request,
  }
}
